-- Every session reads every segment. PostgreSQL (14 to 18) has a fault: a session that makes its list of the partitions of a
-- table at the moment when another one attaches a partition can miss that partition. It has read the catalog before, and takes
-- the message that its list is out of date before the list is finished. Until the list changes again or the connection ends,
-- the session does not see the rows of the partition, and no error tells of it. ATTACH PARTITION does not exclude this, since
-- it lets others read the table meanwhile.
-- So the message is sent again with the first rows of each segment. A session that made its list while the segment was attached
-- has nearly always finished it by then: usually segments are attached ahead, when half of the segment before is full.
-- Any change of the row of the table in the catalog sends the message. GRANT makes one, takes no lock on the table, and grants
-- the owner what the owner has.
-- Replaces one function, without locks on tables: safe while the service runs.

CREATE OR REPLACE FUNCTION public.move_head() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  next text[] := string_to_array(current_setting('audit_log.next', true), ' ');
  before bigint := next[1];
  after bigint := next[2];
  root_after bytea := next[3];
  frontier_after bytea := next[4];
  placed record;
  bits integer;
  timeout_before text := current_setting('lock_timeout');
BEGIN
  SELECT segment_bits INTO bits FROM public.log_head WHERE size = before FOR UPDATE NOWAIT;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'rows are not behind the head of the log' USING ERRCODE = 'serialization_failure';
  END IF;
  IF before = before >> bits << bits THEN
    BEGIN
      -- Another transaction may have changed that row, and stay open for long. When it commits, it sends the message itself.
      PERFORM set_config('lock_timeout', '500ms', true);
      GRANT SELECT ON public.audit_events TO CURRENT_USER;
      PERFORM set_config('lock_timeout', timeout_before, true);
    EXCEPTION WHEN internal_error OR lock_not_available THEN
      NULL; -- The other transaction has committed meanwhile, or the time is over. The setting is the one from before.
    END;
  END IF;
  SELECT count(*) AS count, max(position) AS last INTO placed FROM public.audit_events WHERE position >= before;
  IF placed.count <> after - before OR placed.last <> after - 1 OR placed.count = 0 THEN
    RAISE EXCEPTION 'rows must take the positions from % to %', before, after - 1 USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF next[5] IS DISTINCT FROM 'marked' THEN
    RAISE EXCEPTION 'the database was migrated by a newer version: start that version' USING ERRCODE = 'feature_not_supported';
  END IF;
  -- A head of another form would stop every instance. The hashes themselves are checked before anything is signed.
  IF (octet_length(root_after) = 32 AND octet_length(frontier_after) = public.frontier_bytes(after)) IS NOT TRUE THEN
    RAISE EXCEPTION 'root hash and frontier are not those of % events', after USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE public.log_head SET size = after, root_hash = root_after, frontier = frontier_after;
  PERFORM pg_notify('audit_log', after::text);
  RETURN NULL;
END $$;
