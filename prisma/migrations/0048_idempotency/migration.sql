-- Idempotency keys: the stored hash of an event's content is bound to the event's salt, which goes with the event, so that
-- after a purge nobody can find out by trying what the event was. And keys can be ended after a stated time.
-- Rewrites the rows of idempotency_keys (a minute or so for five million), and waits for an append that is under way.
-- Instances of the version before cannot append any more: stop them first.

-- From `marked_from` on, the salt of an event says whether the event came with a key. Keys of events before
-- `ended_before` may have been ended.
CREATE TABLE idempotency_bounds (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  marked_from   bigint NOT NULL,
  ended_before  bigint NOT NULL DEFAULT 0
);
-- Nothing is appended between this and the functions below.
DO $$ BEGIN PERFORM FROM log_head FOR UPDATE; END $$;
INSERT INTO idempotency_bounds (marked_from) SELECT coalesce((SELECT size FROM log_head), 0);
GRANT SELECT ON idempotency_bounds TO audit_log_service;

-- Of an event that is purged already, the hash that says nothing.
UPDATE idempotency_keys AS keys SET content_hash = coalesce(
  (SELECT sha256(salt || keys.content_hash) FROM audit_events WHERE audit_events.position = keys.position), '');

-- As before, and it wants to hear that the instance marks the salts of events that come with a key.
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

-- Keeps the keys of events that the same transaction has appended and that say they came with one. `content_hashes` are
-- SHA-256 of the content; what is kept is SHA-256 of the event's salt and that.
CREATE OR REPLACE FUNCTION public.keep_keys(scopes text[], keys text[], content_hashes bytea[], positions bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- The rows between two positions by the index, and a hash join: whatever the planner knows of a new segment.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
  lowest bigint;
  highest bigint;
  others bigint;
  kept bigint;
BEGIN
  SELECT min(position), max(position), count(position) INTO lowest, highest, others
    FROM (SELECT DISTINCT position FROM unnest(positions) AS position) AS given;
  INSERT INTO public.idempotency_keys (scope, key, content_hash, position)
    SELECT given.scope, given.key, sha256(event.salt || given.content_hash), given.position
    FROM unnest(scopes, keys, content_hashes, positions) AS given (scope, key, content_hash, position)
      JOIN public.audit_events AS event ON event.position = given.position
    WHERE event.position >= lowest AND event.position <= highest AND event.xmin = pg_current_xact_id()::xid
      AND given.scope = coalesce(event.customer_id, '') AND get_byte(event.salt, 15) % 2 = 1;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF (kept = cardinality(positions) AND kept = others) IS NOT TRUE THEN
    RAISE EXCEPTION 'a key is of an event of its own that this transaction appended' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

-- Moves the bound behind which keys may end to what was signed more than so many days ago, by the clock of the database,
-- which also set the time of each checkpoint. Returns the bound. For the owner.
CREATE FUNCTION public.move_keys_bound(days integer) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bound bigint := (SELECT ended_before FROM public.idempotency_bounds FOR UPDATE);
  further bigint;
BEGIN
  LOOP
    -- Step by step: the checkpoints since may be millions.
    SELECT max(tree_size) FILTER (WHERE signed_at <= now() - make_interval(days => days)) INTO further FROM (
      SELECT tree_size, signed_at FROM public.checkpoints WHERE tree = 'log' AND tree_size > bound
      ORDER BY tree_size LIMIT 1000) AS next;
    EXIT WHEN further IS NULL;
    bound := further;
  END LOOP;
  UPDATE public.idempotency_bounds SET ended_before = bound WHERE ended_before < bound;
  RETURN bound;
END $$;

-- Ends the keys behind the bound that stand in `count` blocks of the table from `first` on, and returns how many those
-- were; null when the table has no such block. For the owner.
CREATE FUNCTION public.end_keys(first bigint, count integer) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended bigint;
BEGIN
  IF first >= pg_relation_size('public.idempotency_keys') / current_setting('block_size')::bigint THEN
    RETURN NULL;
  END IF;
  EXECUTE format('DELETE FROM public.idempotency_keys WHERE ctid >= %L AND ctid < %L
    AND position < (SELECT ended_before FROM public.idempotency_bounds)',
    format('(%s,0)', first), format('(%s,0)', first + count));
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;

REVOKE EXECUTE ON FUNCTION public.move_keys_bound(integer), public.end_keys(bigint, integer) FROM PUBLIC;
