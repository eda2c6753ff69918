-- Appending by COPY: the service writes rows straight into a segment, and a trigger there moves the head in the same
-- statement, so that no row gets in beside it. Short exclusive locks on the segments; instances of the version before
-- cannot append any more, since there is one way in only: stop them first.

-- Takes the head row for the rest of the transaction, if it still has the expected size, and says where the rows that
-- follow take the log. next: size before, size after, root hash and frontier after, with spaces between.
CREATE FUNCTION claim_head(expected bigint, next text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM log_head WHERE size = expected FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log has grown meanwhile' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM set_config('audit_log.next', next, true);
END $$;

-- After every statement that inserts into a segment: moves the head over exactly those rows, or fails with all of them.
-- Whoever has put rows in before the head was his does not wait for it: the others may wait for those rows.
CREATE FUNCTION move_head() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  next text[] := string_to_array(current_setting('audit_log.next', true), ' ');
  before bigint := next[1];
  after bigint := next[2];
  placed record;
BEGIN
  PERFORM FROM log_head WHERE size = before FOR UPDATE NOWAIT;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'rows are not behind the head of the log' USING ERRCODE = 'serialization_failure';
  END IF;
  SELECT count(*) AS count, max(position) AS last INTO placed FROM audit_events WHERE position >= before;
  IF placed.count <> after - before OR placed.last <> after - 1 OR placed.count = 0 THEN
    RAISE EXCEPTION 'rows must take the positions from % to %', before, after - 1 USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE log_head SET size = after, root_hash = next[3]::bytea, frontier = next[4]::bytea;
  PERFORM pg_notify('audit_log', after::text);
  RETURN NULL;
END $$;

CREATE FUNCTION keep_keys(scopes text[], keys text[], content_hashes bytea[], positions bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  INSERT INTO idempotency_keys (scope, key, content_hash, position)
    SELECT * FROM unnest(scopes, keys, content_hashes, positions)
$$;

-- What makes a table a segment that the service can append to, and nothing else: default privileges give it more.
CREATE FUNCTION open_segment(segment regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM audit_log_service', segment);
  EXECUTE format('GRANT INSERT ON %s TO audit_log_service', segment);
  EXECUTE format('CREATE TRIGGER move_head AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION move_head()', segment);
END $$;

-- Makes the segment that holds `segment * 2^bits` if it is not there. Attached, not made as a partition: that would have
-- to wait for every reader, and every reader for it.
CREATE OR REPLACE FUNCTION ensure_segment(segment bigint, bits smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  name text := format('audit_segments.%I', 's' || lpad(segment::text, 8, '0'));
BEGIN
  IF to_regclass(name) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log.segment'));
    IF to_regclass(name) IS NULL THEN
      EXECUTE format('CREATE TABLE %s (LIKE audit_events INCLUDING ALL)', name);
      PERFORM open_segment(name::regclass);
      EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
        name, segment << bits, (segment + 1) << bits);
    END IF;
  END IF;
END $$;

SELECT open_segment(inhrelid::regclass) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass;
GRANT USAGE ON SCHEMA audit_segments TO audit_log_service;
DROP FUNCTION append_batch(bigint, bigint, bytea, bytea, jsonb, jsonb);
REVOKE EXECUTE ON FUNCTION claim_head(bigint, text), move_head(), keep_keys(text[], text[], bytea[], bigint[]),
  open_segment(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_head(bigint, text), keep_keys(text[], text[], bytea[], bigint[]) TO audit_log_service;
