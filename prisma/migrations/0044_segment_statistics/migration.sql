-- Statistics of the positions in a segment, long before autovacuum comes by: without any, PostgreSQL takes the bounds of
-- a segment, which all of its events lie between, for a narrow condition, and a search goes through the whole primary key.

-- Takes them when the segment has eight times as many events as when it was looked at last. Nobody waits for it, and it
-- waits for nobody; autovacuum comes as if nothing had been.
CREATE FUNCTION analyze_segment(segment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path FROM CURRENT AS $$
  DECLARE
    relation text := 'audit_segments.s' || lpad(segment::text, 8, '0');
    events bigint := (SELECT size - (segment << segment_bits) FROM log_head);
    known real := (SELECT reltuples FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(relation));
  BEGIN
    IF known IS NOT NULL AND events >= 8 * greatest(known, 1) THEN
      EXECUTE 'ANALYZE (SKIP_LOCKED) ' || relation || ' (position)';
    END IF;
  END $$;
REVOKE EXECUTE ON FUNCTION analyze_segment(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_segment(bigint) TO audit_log_service;
