-- Owner functions: nothing that the service's role can make is looked up while a function runs as the owner, and each
-- function checks its arguments against the log's own state. The role also loses what it does not use.
-- Replaces functions, without locks on tables: safe while the service runs.

-- PostgreSQL looks for tables in the temporary schema of the caller first, unless search_path says otherwise, and for
-- functions and operators in every schema of the path: one in `public` whose arguments fit better would be chosen before
-- that of pg_catalog. So `public` is not in the path, and what is there is named with its schema.

-- Takes the head row for the rest of the transaction, if it still has the expected size, and says where the rows that
-- follow take the log. next: size before, size after, root hash and frontier after, with spaces between.
CREATE OR REPLACE FUNCTION public.claim_head(expected bigint, next text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM public.log_head WHERE size = expected FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log has grown meanwhile' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM set_config('audit_log.next', next, true);
END $$;

-- After every statement that inserts into a segment: moves the head over exactly those rows, or fails with all of them.
-- A transaction that inserted rows before the head was its own does not wait for the head: others may wait for its rows.
CREATE OR REPLACE FUNCTION public.move_head() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  next text[] := string_to_array(current_setting('audit_log.next', true), ' ');
  before bigint := next[1];
  after bigint := next[2];
  root_after bytea := next[3];
  frontier_after bytea := next[4];
  placed record;
BEGIN
  PERFORM FROM public.log_head WHERE size = before FOR UPDATE NOWAIT;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'rows are not behind the head of the log' USING ERRCODE = 'serialization_failure';
  END IF;
  SELECT count(*) AS count, max(position) AS last INTO placed FROM public.audit_events WHERE position >= before;
  IF placed.count <> after - before OR placed.last <> after - 1 OR placed.count = 0 THEN
    RAISE EXCEPTION 'rows must take the positions from % to %', before, after - 1 USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A head of another form would stop every instance. The hashes themselves are checked before anything is signed.
  IF (octet_length(root_after) = 32 AND octet_length(frontier_after) = public.frontier_bytes(after)) IS NOT TRUE THEN
    RAISE EXCEPTION 'root hash and frontier are not those of % events', after USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE public.log_head SET size = after, root_hash = root_after, frontier = frontier_after;
  PERFORM pg_notify('audit_log', after::text);
  RETURN NULL;
END $$;

-- The length of the frontier of a tree: a hash of 32 bytes for each of the complete subtrees that its size is the sum of.
CREATE FUNCTION public.frontier_bytes(size bigint) RETURNS integer LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT 32 * length(replace(size::bit(64)::text, '0', ''))
$$;

-- Makes a table a segment that the service can append to, and do nothing else with.
CREATE OR REPLACE FUNCTION public.open_segment(segment regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM audit_log_service', segment);
  EXECUTE format('GRANT INSERT ON %s TO audit_log_service', segment);
  EXECUTE format('CREATE TRIGGER move_head AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION public.move_head()', segment);
END $$;

-- Makes the segment that holds `segment * 2^bits` if it is not there: the one that the head is in, or one that the next
-- batches reach (16,384 events; a batch has 4,000 and one more travels behind it), or the one behind those.
-- Attached, not made as a partition: that would have to wait for every reader, and every reader for it.
CREATE OR REPLACE FUNCTION public.ensure_segment(segment bigint, bits smallint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  plain text := 's' || lpad(segment::text, 8, '0');
  name text := format('audit_segments.%I', plain);
  head record;
BEGIN
  IF to_regclass(name) IS NULL THEN
    SELECT size, segment_bits INTO head FROM public.log_head;
    IF bits IS DISTINCT FROM head.segment_bits THEN
      RAISE EXCEPTION 'a segment of this log has 2^% events', head.segment_bits USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF segment < head.size >> bits::integer THEN
      RAISE EXCEPTION 'segment % is behind the head of the log', segment USING ERRCODE = 'serialization_failure';
    END IF;
    IF (segment <= ((head.size + 16384) >> bits::integer) + 1) IS NOT TRUE THEN
      RAISE EXCEPTION 'segment % is not one of the next', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('audit_log.segment'));
    -- With a new snapshot: what `to_regclass` knew of the absence of the table stays in the cache of the session.
    IF NOT EXISTS (
      SELECT FROM pg_class WHERE relname = plain AND relnamespace = 'audit_segments'::regnamespace
    ) THEN
      EXECUTE format('CREATE TABLE %s (LIKE public.audit_events INCLUDING ALL)', name);
      PERFORM public.open_segment(name::regclass);
      EXECUTE format('ALTER TABLE public.audit_events ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
        name, segment << bits::integer, (segment + 1) << bits::integer);
    END IF;
  END IF;
END $$;

-- Puts what waits into the search indexes of the segments from `first` to `last`, of which the newest two are done: in the
-- others nothing waits. An append does not wait for it.
CREATE OR REPLACE FUNCTION public.merge_search(first bigint, last bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT gin_clean_pending_list(indexrelid)
  FROM public.log_head
    CROSS JOIN generate_series(greatest(first, (size >> segment_bits::integer) - 1),
      least(last, size >> segment_bits::integer)) AS segment
    JOIN pg_index ON indrelid = to_regclass('audit_segments.s' || lpad(segment::text, 8, '0'))
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam AND amname = 'gin'
$$;

-- Takes the statistics of a segment when it has eight times as many events as when they were taken last. Nothing waits for
-- it, and it waits for nothing; autovacuum works as before.
CREATE OR REPLACE FUNCTION public.analyze_segment(segment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  relation text := 'audit_segments.s' || lpad(segment::text, 8, '0');
  events bigint := (SELECT size - (segment << segment_bits::integer) FROM public.log_head);
  known real := (SELECT reltuples FROM pg_class WHERE oid = to_regclass(relation));
BEGIN
  IF known IS NOT NULL AND events >= 8 * greatest(known, 1) THEN
    EXECUTE 'ANALYZE (SKIP_LOCKED) ' || relation || ' (position)';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION public.count_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'checkpoints' THEN
    INSERT INTO public.evidence_counts AS counts (tree, checkpoints) VALUES (NEW.tree, 1)
      ON CONFLICT (tree) DO UPDATE SET checkpoints = counts.checkpoints + 1;
  ELSE
    INSERT INTO public.evidence_counts AS counts (tree, cosignatures) VALUES ('log', 1)
      ON CONFLICT (tree) DO UPDATE SET cosignatures = counts.cosignatures + 1;
  END IF;
  RETURN NULL;
END $$;

-- Those that run as the caller look nothing up in the caller's schemas either.
ALTER FUNCTION public.refuse_change() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION public.refuse_evidence_change() SET search_path = pg_catalog, pg_temp;

-- The service's process may set the time of a key's last use to now, and to no other time.
CREATE FUNCTION public.mark_key_used(key_id text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  UPDATE public.api_keys SET last_used_at = now()
  WHERE id = key_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;

REVOKE EXECUTE ON FUNCTION public.frontier_bytes(bigint), public.mark_key_used(text), public.refuse_change(),
  public.refuse_evidence_change(), public.refuse_tile_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.frontier_bytes(bigint), public.mark_key_used(text) TO audit_log_service;
REVOKE UPDATE (last_used_at) ON public.api_keys FROM audit_log_service;
-- Only the owner reads them, at start.
REVOKE SELECT ON public.service_secrets, public.service_settings FROM audit_log_service;

-- A table that a later migration makes is the service's only as far as that migration grants it, and a function nobody
-- else's than the owner's.
ALTER DEFAULT PRIVILEGES REVOKE SELECT, INSERT, UPDATE ON TABLES FROM audit_log_service;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Nobody has to make temporary tables in the log's database, nor other things in the log's schema (before version 15
-- everybody could). Where another role owns the database or the schema, that is for its owner to decide.
DO $$
BEGIN
  IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_catalog.pg_database WHERE datname = current_database()) THEN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  END IF;
  IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = 'public') THEN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  END IF;
END $$;

-- The memberships that migration 0005 makes since it was changed: an owner who made the roles under PostgreSQL 16 or newer
-- was left without SET ROLE. Where this owner may not grant them, the start says which are missing.
DO $$
DECLARE
  how text := CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
  IF NOT pg_has_role('audit_log_service', 'audit_log_customer', how) THEN
    GRANT audit_log_customer TO audit_log_service;
  END IF;
EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
  NULL;
END $$;
DO $$
DECLARE
  how text := CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
  IF NOT pg_has_role('audit_log_service', how) THEN
    GRANT audit_log_service TO CURRENT_USER;
  END IF;
EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
  NULL;
END $$;
