-- Search: indexes on the words and the details of events, and the function that keeps them quick.
-- Building them on an existing log takes about a minute for a million events; nothing can be appended meanwhile, and the
-- type change (of the collation alone, it rewrites nothing) locks the log for a moment.

-- Words are compared byte by byte: in an order by language that takes several times as long.
ALTER TABLE audit_events ALTER COLUMN search_words TYPE text[] COLLATE "C";

-- New entries wait in a list (fastupdate), since putting them in one by one costs an append more than all other indexes
-- together. A search reads the list through, so `merge_search` empties it, a moment behind the append.
CREATE INDEX audit_events_words ON audit_events USING gin (search_words)
  WITH (fastupdate = on, gin_pending_list_limit = 16384);
CREATE INDEX audit_events_details ON audit_events USING gin (details jsonb_path_ops)
  WITH (fastupdate = on, gin_pending_list_limit = 16384);

-- Puts what waits into the search indexes of the segments from `first` to `last`. Whoever appends does not wait for it.
CREATE FUNCTION merge_search(first bigint, last bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path FROM CURRENT AS $$
  SELECT gin_clean_pending_list(indexrelid)
  FROM pg_catalog.generate_series(first, last) AS segment
    JOIN pg_catalog.pg_index ON indrelid = pg_catalog.to_regclass('audit_segments.s' || lpad(segment::text, 8, '0'))
    JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid
    JOIN pg_catalog.pg_am ON pg_am.oid = relam AND amname = 'gin'
  $$;
REVOKE EXECUTE ON FUNCTION merge_search(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION merge_search(bigint, bigint) TO audit_log_service;
