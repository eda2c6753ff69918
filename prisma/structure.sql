-- The structure of the database after all migrations. For reading only: `npm run structure` writes it, the tests check it.
-- `audit-log verify` compares it with the database, except for indexes.

-- Tables

CREATE TABLE api_keys (
  id text NOT NULL,
  name text NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  customer_id text,
  created_at timestamp(3) with time zone NOT NULL DEFAULT now(),
  expires_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  last_used_at timestamp(3) with time zone,
  generation integer NOT NULL DEFAULT 0
);
CREATE TABLE audit_events (
  "position" bigint NOT NULL,
  id text NOT NULL,
  salt bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  "timestamp" timestamp(3) with time zone NOT NULL,
  recorded_at timestamp(3) with time zone NOT NULL,
  event_type text NOT NULL,
  outcome text NOT NULL,
  severity text NOT NULL,
  user_id text,
  customer_id text,
  session_id text,
  ip_address inet,
  user_agent text,
  request_id text,
  resource_type text,
  resource_id text,
  action text NOT NULL,
  description text NOT NULL,
  details jsonb NOT NULL,
  old_values jsonb,
  new_values jsonb,
  search_words text[] COLLATE "C" NOT NULL
) PARTITION BY RANGE ("position");
CREATE TABLE checkpoints (
  tree text NOT NULL,
  tree_size bigint NOT NULL,
  log_size bigint NOT NULL,
  root_hash bytea NOT NULL,
  note text NOT NULL,
  signed_at timestamp(3) with time zone NOT NULL DEFAULT now()
);
CREATE TABLE cosignatures (
  tree_size bigint NOT NULL,
  line text NOT NULL,
  key_name text NOT NULL,
  key_id bigint NOT NULL,
  cosigned_at timestamp(3) with time zone NOT NULL,
  of_witness boolean NOT NULL DEFAULT false
);
CREATE TABLE evidence_counts (
  tree text NOT NULL,
  checkpoints bigint NOT NULL DEFAULT 0,
  cosignatures bigint NOT NULL DEFAULT 0
);
CREATE TABLE idempotency_bounds (
  singleton boolean NOT NULL DEFAULT true,
  marked_from bigint NOT NULL,
  ended_before bigint NOT NULL DEFAULT 0
);
CREATE TABLE idempotency_keys (
  scope text NOT NULL,
  key text NOT NULL,
  content_hash bytea NOT NULL,
  "position" bigint NOT NULL
);
CREATE TABLE log_head (
  singleton boolean NOT NULL DEFAULT true,
  size bigint NOT NULL,
  root_hash bytea NOT NULL,
  frontier bytea NOT NULL,
  first_position bigint NOT NULL,
  segment_bits smallint NOT NULL,
  announced_from bigint,
  announced_at bigint
);
CREATE TABLE log_identity (
  singleton boolean NOT NULL DEFAULT true,
  origin text NOT NULL,
  verifier_key text NOT NULL
);
CREATE UNLOGGED TABLE rate_buckets (
  key_id text NOT NULL,
  points double precision NOT NULL,
  filled_at timestamp with time zone NOT NULL
);
CREATE TABLE service_secrets (
  name text NOT NULL,
  value bytea NOT NULL
);
CREATE TABLE service_settings (
  singleton boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL
);
CREATE TABLE summary_counts (
  scope text NOT NULL,
  level text NOT NULL,
  by_type boolean NOT NULL,
  bucket timestamp with time zone NOT NULL,
  event_type text NOT NULL,
  total bigint NOT NULL,
  outcome_success bigint NOT NULL,
  outcome_failure bigint NOT NULL,
  outcome_error bigint NOT NULL,
  outcome_denied bigint NOT NULL,
  severity_debug bigint NOT NULL,
  severity_info bigint NOT NULL,
  severity_warning bigint NOT NULL,
  severity_error bigint NOT NULL,
  severity_critical bigint NOT NULL
);
CREATE TABLE summary_scopes (
  scope text NOT NULL,
  counted bigint NOT NULL,
  earliest timestamp with time zone,
  latest timestamp with time zone,
  daily_months timestamp with time zone[] NOT NULL DEFAULT '{}'::timestamp with time zone[]
);
CREATE TABLE tree_tiles (
  tree text NOT NULL,
  level smallint NOT NULL,
  index bigint NOT NULL,
  width smallint NOT NULL,
  hashes bytea NOT NULL,
  positions bytea,
  first_position bigint
);
CREATE TABLE trees (
  tree text NOT NULL,
  size bigint NOT NULL,
  frontier bytea NOT NULL
);

-- Constraints

ALTER TABLE api_keys ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE api_keys ADD CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE audit_events ADD CONSTRAINT audit_events_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32));
ALTER TABLE audit_events ADD CONSTRAINT audit_events_pkey PRIMARY KEY ("position");
ALTER TABLE audit_events ADD CONSTRAINT audit_events_salt_check CHECK ((octet_length(salt) = 16));
ALTER TABLE audit_events ADD CONSTRAINT audit_events_words_need_version_0060 CHECK (COALESCE((search_words[1] = ''::text), false)) NOT VALID;
ALTER TABLE checkpoints ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (tree, tree_size, log_size);
ALTER TABLE cosignatures ADD CONSTRAINT cosignatures_pkey PRIMARY KEY (tree_size, key_name, key_id, cosigned_at);
ALTER TABLE evidence_counts ADD CONSTRAINT evidence_counts_pkey PRIMARY KEY (tree);
ALTER TABLE idempotency_bounds ADD CONSTRAINT idempotency_bounds_pkey PRIMARY KEY (singleton);
ALTER TABLE idempotency_bounds ADD CONSTRAINT idempotency_bounds_singleton_check CHECK (singleton);
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key);
ALTER TABLE log_head ADD CONSTRAINT log_head_pkey PRIMARY KEY (singleton);
ALTER TABLE log_head ADD CONSTRAINT log_head_singleton_check CHECK (singleton);
ALTER TABLE log_identity ADD CONSTRAINT log_identity_pkey PRIMARY KEY (singleton);
ALTER TABLE log_identity ADD CONSTRAINT log_identity_singleton_check CHECK (singleton);
ALTER TABLE rate_buckets ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (key_id);
ALTER TABLE service_secrets ADD CONSTRAINT service_secrets_pkey PRIMARY KEY (name);
ALTER TABLE service_settings ADD CONSTRAINT service_settings_pkey PRIMARY KEY (singleton);
ALTER TABLE service_settings ADD CONSTRAINT service_settings_singleton_check CHECK (singleton);
ALTER TABLE summary_counts ADD CONSTRAINT summary_counts_pkey PRIMARY KEY (scope, level, by_type, bucket, event_type);
ALTER TABLE summary_scopes ADD CONSTRAINT summary_scopes_pkey PRIMARY KEY (scope);
ALTER TABLE tree_tiles ADD CONSTRAINT tree_tiles_pkey PRIMARY KEY (tree, level, index);
ALTER TABLE trees ADD CONSTRAINT trees_pkey PRIMARY KEY (tree);

-- Indexes

CREATE INDEX audit_events_customer ON ONLY public.audit_events USING btree (customer_id, "timestamp", "position") WHERE (customer_id IS NOT NULL);
CREATE INDEX audit_events_details ON ONLY public.audit_events USING gin (details jsonb_path_ops) WITH (fastupdate='on', gin_pending_list_limit='16384');
CREATE INDEX audit_events_id ON ONLY public.audit_events USING btree (id);
CREATE INDEX audit_events_ip ON ONLY public.audit_events USING btree (ip_address) WHERE (ip_address IS NOT NULL);
CREATE INDEX audit_events_resource ON ONLY public.audit_events USING btree (resource_type, resource_id, "timestamp", "position") WHERE (resource_type IS NOT NULL);
CREATE INDEX audit_events_timestamp ON ONLY public.audit_events USING btree ("timestamp", "position");
CREATE INDEX audit_events_type ON ONLY public.audit_events USING btree (event_type, "timestamp", "position");
CREATE INDEX audit_events_user ON ONLY public.audit_events USING btree (user_id, "timestamp", "position") WHERE (user_id IS NOT NULL);
CREATE INDEX audit_events_words ON ONLY public.audit_events USING gin (search_words) WITH (fastupdate='on', gin_pending_list_limit='16384');
CREATE INDEX cosignatures_of_witnesses ON public.cosignatures USING btree (tree_size, key_name, key_id) WHERE of_witness;
CREATE UNIQUE INDEX cosignatures_of_log ON public.cosignatures USING btree (tree_size, key_name, key_id) WHERE (NOT of_witness);
CREATE UNIQUE INDEX tree_tiles_positions ON public.tree_tiles USING btree (tree, first_position) WHERE (first_position IS NOT NULL);

-- Functions

CREATE OR REPLACE FUNCTION public.add_cosignature(size bigint, line text, key_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  read record := public.read_cosignature(line, key_name);
BEGIN
  IF NOT EXISTS (SELECT FROM public.checkpoints WHERE tree = 'log' AND tree_size = size)
    OR key_name = (SELECT origin FROM public.log_identity) THEN
    RAISE EXCEPTION 'this is not a cosignature of the log''s checkpoints' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.cosignatures (tree_size, line, key_name, key_id, cosigned_at, of_witness)
    VALUES (size, line, key_name, read.key_id, read.signed_at, true)
    ON CONFLICT DO NOTHING;
END $function$;
CREATE OR REPLACE FUNCTION public.add_counts(events text, kept text, condition text DEFAULT 'true'::text)
 RETURNS SETOF summary_counts
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  RETURN QUERY EXECUTE format($counts$
    INSERT INTO public.summary_counts AS counts (scope, level, by_type, bucket, event_type,
      total, outcome_success, outcome_failure, outcome_error, outcome_denied, severity_debug, severity_info,
      severity_warning, severity_error, severity_critical)
    SELECT fresh.* FROM (
      SELECT scope, level, by_type, date_trunc(level, hour, 'UTC') AS bucket,
        CASE WHEN by_type THEN event_type ELSE '' END AS event_type,
        sum(total)::bigint, sum(outcome_success)::bigint, sum(outcome_failure)::bigint, sum(outcome_error)::bigint,
        sum(outcome_denied)::bigint, sum(severity_debug)::bigint, sum(severity_info)::bigint,
        sum(severity_warning)::bigint, sum(severity_error)::bigint, sum(severity_critical)::bigint
      FROM (
        SELECT scope, date_trunc('hour', "timestamp", 'UTC') AS hour, event_type,
          count(*) AS total, count(*) FILTER (WHERE outcome = 'success') AS outcome_success,
          count(*) FILTER (WHERE outcome = 'failure') AS outcome_failure,
          count(*) FILTER (WHERE outcome = 'error') AS outcome_error,
          count(*) FILTER (WHERE outcome = 'denied') AS outcome_denied,
          count(*) FILTER (WHERE severity = 'debug') AS severity_debug,
          count(*) FILTER (WHERE severity = 'info') AS severity_info,
          count(*) FILTER (WHERE severity = 'warning') AS severity_warning,
          count(*) FILTER (WHERE severity = 'error') AS severity_error,
          count(*) FILTER (WHERE severity = 'critical') AS severity_critical
        FROM (%s) AS events GROUP BY 1, 2, 3
      ) AS hours CROSS JOIN (VALUES %s) AS kept (level, by_type)
      GROUP BY 1, 2, 3, 4, 5
    ) AS fresh LEFT JOIN public.summary_scopes USING (scope)
    WHERE %s
    ON CONFLICT (scope, level, by_type, bucket, event_type) DO UPDATE SET
      total = counts.total + excluded.total, outcome_success = counts.outcome_success + excluded.outcome_success,
      outcome_failure = counts.outcome_failure + excluded.outcome_failure,
      outcome_error = counts.outcome_error + excluded.outcome_error,
      outcome_denied = counts.outcome_denied + excluded.outcome_denied,
      severity_debug = counts.severity_debug + excluded.severity_debug,
      severity_info = counts.severity_info + excluded.severity_info,
      severity_warning = counts.severity_warning + excluded.severity_warning,
      severity_error = counts.severity_error + excluded.severity_error,
      severity_critical = counts.severity_critical + excluded.severity_critical
    RETURNING counts.*
  $counts$, events, kept, condition);
END $function$;
CREATE OR REPLACE FUNCTION public.analyze_segment(segment bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  relation text := 'audit_segments.s' || lpad(segment::text, 8, '0');
  events bigint := (SELECT size - (segment << segment_bits::integer) FROM public.log_head);
  known real := (SELECT reltuples FROM pg_class WHERE oid = to_regclass(relation));
BEGIN
  IF known IS NOT NULL AND events >= 8 * greatest(known, 1) THEN
    EXECUTE 'ANALYZE (SKIP_LOCKED) ' || relation || ' (position)';
  END IF;
END $function$;
CREATE OR REPLACE FUNCTION public.can_end_silent_holders()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  SELECT pg_catalog.pg_has_role(current_user, session_user, 'USAGE')
      AND (owner.rolsuper OR NOT login.rolsuper)
    OR NOT login.rolsuper AND pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
      AND pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_catalog.pg_roles AS owner, pg_catalog.pg_roles AS login
  WHERE owner.rolname = current_user AND login.rolname = session_user
$function$;
CREATE OR REPLACE FUNCTION public.check_checkpoint()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  -- A tree without a row is empty.
  grown bigint := coalesce((SELECT size FROM public.trees WHERE tree = NEW.tree), 0);
  frontier bytea := coalesce((SELECT trees.frontier FROM public.trees WHERE tree = NEW.tree), '');
BEGIN
  IF (NEW.tree_size = grown AND NEW.root_hash = public.root_of(frontier)
    AND NEW.log_size = (SELECT size FROM public.trees WHERE tree = 'log')
    AND split_part(NEW.note, E'\n', 2) = NEW.tree_size::text
    AND split_part(NEW.note, E'\n', 3) = encode(NEW.root_hash, 'base64')) IS NOT TRUE THEN
    RAISE EXCEPTION 'a checkpoint is of the tree as it has grown' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $function$;
CREATE OR REPLACE FUNCTION public.check_tree()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.tree <> OLD.tree OR NEW.size < OLD.size)
    OR NEW.size > (SELECT size FROM public.log_head)
    OR octet_length(NEW.frontier) <> public.frontier_bytes(NEW.size) THEN
    RAISE EXCEPTION 'a tree only grows, no further than the log' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $function$;
CREATE OR REPLACE FUNCTION public.claim_head(expected bigint, next text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  PERFORM FROM public.log_head WHERE size = expected FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log has grown meanwhile' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM set_config('audit_log.next', next, true);
END $function$;
CREATE OR REPLACE FUNCTION public.count_events(most integer, customers integer, daily bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  start bigint;
  stop bigint;
  -- Where the log begins: it stays there while the counts are locked, and rows before it are on their way out.
  beginning bigint;
  due text[];
  events text;
  month record;
BEGIN
  SELECT counted INTO start FROM public.summary_scopes WHERE scope = 'log' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  -- A statement of its own, after the lock: what is committed by now.
  SELECT first_position, greatest(start, first_position), least(size, greatest(start, first_position) + least(most, 20000))
    INTO beginning, start, stop FROM public.log_head;
  IF (start < stop) IS NOT TRUE THEN
    RETURN 0;
  END IF;

  PERFORM public.add_counts(
    format($e$SELECT 'log' AS scope, "timestamp", event_type, outcome, severity FROM public.audit_events
      WHERE position >= %s AND position < %s$e$, start, stop),
    $k$('hour', true), ('day', true), ('month', true), ('hour', false), ('day', false)$k$);
  EXECUTE $u$UPDATE public.summary_scopes
    SET counted = $2, earliest = least(earliest, first), latest = greatest(latest, last)
    FROM (SELECT min("timestamp") AS first, max("timestamp") AS last FROM public.audit_events
      WHERE position >= $1 AND position < $2 OFFSET 0) AS times
    WHERE scope = 'log'$u$ USING start, stop;

  -- A leaf hash is as good as a die that no client can load.
  EXECUTE $d$SELECT array_agg(DISTINCT customer_id) FROM public.audit_events
    WHERE position >= $1 AND position < $2 AND customer_id IS NOT NULL AND get_byte(leaf_hash, 0) < $3$d$
    INTO due USING start, stop, customers;
  IF due IS NULL THEN
    RETURN stop - start;
  END IF;
  -- Each with its own constants, so that PostgreSQL knows for each whether its index or the positions are shorter.
  SELECT string_agg(format($e$SELECT %L AS scope, "timestamp", event_type, outcome, severity FROM public.audit_events
      WHERE customer_id = %L AND position >= %s AND position < %s$e$, 'customer/' || id, id, greatest(counted, beginning), stop),
      ' UNION ALL ')
    INTO events FROM unnest(due) AS id LEFT JOIN public.summary_scopes ON scope = 'customer/' || id;
  INSERT INTO public.summary_scopes (scope, counted) SELECT 'customer/' || id, stop FROM unnest(due) AS id
    ON CONFLICT (scope) DO UPDATE SET counted = greatest(summary_scopes.counted, excluded.counted);
  FOR month IN
    SELECT scope, bucket FROM public.add_counts(events, $k$('day', true), ('month', true)$k$,
      $c$level = 'month' OR date_trunc('month', bucket, 'UTC') = ANY (daily_months)$c$)
    WHERE level = 'month' GROUP BY 1, 2 HAVING max(total) >= daily
  LOOP
    -- The days of this month, from now on and up to here, unless that was done.
    UPDATE public.summary_scopes SET daily_months = daily_months || month.bucket
      WHERE scope = month.scope AND NOT month.bucket = ANY (daily_months);
    IF FOUND THEN
      PERFORM public.add_counts(
        format($e$SELECT %L AS scope, "timestamp", event_type, outcome, severity FROM public.audit_events
          WHERE customer_id = %L AND position >= %s AND position < %s AND "timestamp" >= %L
            AND "timestamp" < (%L::timestamptz AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'$e$,
          month.scope, substr(month.scope, 10), beginning, stop, month.bucket, month.bucket),
        $k$('day', true)$k$);
    END IF;
  END LOOP;
  RETURN stop - start;
END $function$;
CREATE OR REPLACE FUNCTION public.count_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF TG_TABLE_NAME = 'checkpoints' THEN
    INSERT INTO public.evidence_counts AS counts (tree, checkpoints) VALUES (NEW.tree, 1)
      ON CONFLICT (tree) DO UPDATE SET checkpoints = counts.checkpoints + 1;
  ELSE
    INSERT INTO public.evidence_counts AS counts (tree, cosignatures) VALUES ('log', 1)
      ON CONFLICT (tree) DO UPDATE SET cosignatures = counts.cosignatures + 1;
  END IF;
  RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.end_keys(first bigint, count integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.end_silent_holders()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  silent text[];
  found text[];
BEGIN
  FOR look IN 1..6 LOOP
    IF look > 1 THEN
      PERFORM pg_catalog.pg_sleep(0.5);
    END IF;
    PERFORM pg_catalog.pg_stat_clear_snapshot();
    WITH ours AS MATERIALIZED (
      SELECT activity.pid, activity.wait_event_type, activity.backend_start, activity.xact_start
      FROM pg_catalog.pg_stat_activity AS activity
      WHERE activity.datname = pg_catalog.current_database() AND activity.application_name = 'graphql-audit-log'
        AND activity.usename IN (session_user, current_user)
    ), blocking AS (
      SELECT DISTINCT blocker.pid
      FROM ours, LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(ours.pid)) AS blocker (pid)
      WHERE ours.wait_event_type = 'Lock'
    )
    SELECT pg_catalog.array_agg(pg_catalog.concat_ws(' ', ours.pid, ours.backend_start, ours.xact_start)) INTO found
    FROM ours JOIN blocking USING (pid)
    WHERE ours.wait_event_type = 'Client' AND EXISTS (
      SELECT FROM pg_catalog.pg_locks AS held
      WHERE held.pid = ours.pid AND held.granted AND (
        held.locktype = 'relation' AND held.mode IN ('RowShareLock', 'RowExclusiveLock')
          AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
          AND held.relation IN (
            SELECT 'public.log_head'::regclass UNION ALL SELECT 'public.trees'::regclass
            UNION ALL SELECT 'public.summary_scopes'::regclass
            UNION ALL SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = 'public.audit_events'::regclass)
        OR held.locktype = 'advisory' AND held.objsubid = 1
          AND held.objid::bigint = pg_catalog.hashtext('audit_log.segment')::bigint & 4294967295));
    silent := CASE WHEN look = 1 THEN found ELSE ARRAY(
      SELECT pg_catalog.unnest(silent) INTERSECT SELECT pg_catalog.unnest(found)) END;
    EXIT WHEN pg_catalog.cardinality(silent) IS NULL OR pg_catalog.cardinality(silent) = 0;
  END LOOP;
  RETURN (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(silent) AS one
    WHERE pg_catalog.pg_terminate_backend(pg_catalog.split_part(one, ' ', 1)::integer));
END $function$;
CREATE OR REPLACE FUNCTION public.ensure_segment(segment bigint, bits smallint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.frontier_bytes(size bigint)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  SELECT 32 * length(replace(size::bit(64)::text, '0', ''))
$function$;
CREATE OR REPLACE FUNCTION public.keep_keys(scopes text[], keys text[], content_hashes bytea[], positions bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_nestloop TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.mark_key_used(key_id text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  UPDATE public.api_keys SET last_used_at = now()
  WHERE id = key_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$function$;
CREATE OR REPLACE FUNCTION public.merge_search(first bigint, last bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  SELECT gin_clean_pending_list(indexrelid)
  FROM public.log_head
    CROSS JOIN generate_series(greatest(first, (size >> segment_bits::integer) - 1),
      least(last, size >> segment_bits::integer)) AS segment
    JOIN pg_index ON indrelid = to_regclass('audit_segments.s' || lpad(segment::text, 8, '0'))
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam AND amname = 'gin'
$function$;
CREATE OR REPLACE FUNCTION public.move_head()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.move_keys_bound(days integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.open_segment(segment regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM audit_log_service', segment);
  EXECUTE format('GRANT INSERT ON %s TO audit_log_service', segment);
  EXECUTE format('CREATE TRIGGER move_head AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION public.move_head()', segment);
END $function$;
CREATE OR REPLACE FUNCTION public.read_cosignature(line text, key_name text, OUT key_id bigint, OUT signed_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  start text := U&'\2014 ' || key_name || ' ';
  signature bytea;
BEGIN
  signature := decode(rtrim(substr(line, length(start) + 1), E'\n'), 'base64');
  IF key_name !~ '^[^[:space:]+]+$' OR octet_length(signature) <> 76
    OR line <> start || translate(encode(signature, 'base64'), E'\n', '') || E'\n' THEN
    RAISE EXCEPTION 'this is not the line of a timestamped signature' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  key_id := ('x' || encode(substr(signature, 1, 4), 'hex'))::bit(32)::bigint;
  signed_at := to_timestamp(('x' || encode(substr(signature, 5, 8), 'hex'))::bit(64)::bigint);
END $function$;
CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('audit_log.purging', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $function$;
CREATE OR REPLACE FUNCTION public.refuse_evidence_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $function$;
CREATE OR REPLACE FUNCTION public.refuse_tile_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF substr(NEW.hashes, 1, octet_length(OLD.hashes)) = OLD.hashes AND NEW.width > OLD.width AND NEW.width <= 256
    AND (NEW.positions IS NULL) = (OLD.positions IS NULL)
    AND (OLD.positions IS NULL OR substr(NEW.positions, 1, octet_length(OLD.positions)) = OLD.positions)
    AND NEW.first_position IS NOT DISTINCT FROM OLD.first_position
    AND (NEW.tree, NEW.level, NEW.index) = (OLD.tree, OLD.level, OLD.index) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
END $function$;
CREATE OR REPLACE FUNCTION public.renew_timestamp(size bigint, line text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  own text := (SELECT origin FROM public.log_identity);
  read record := public.read_cosignature(line, own);
BEGIN
  INSERT INTO public.cosignatures AS known (tree_size, line, key_name, key_id, cosigned_at, of_witness)
    SELECT newest.tree_size, renew_timestamp.line, own, read.key_id, read.signed_at, false
    FROM (SELECT tree_size FROM public.checkpoints WHERE tree = 'log' ORDER BY tree_size DESC LIMIT 1) AS newest
    WHERE newest.tree_size = size
    ON CONFLICT (tree_size, key_name, key_id) WHERE NOT of_witness
      DO UPDATE SET line = excluded.line, cosigned_at = excluded.cosigned_at
      WHERE known.cosigned_at < excluded.cosigned_at OR known.cosigned_at > clock_timestamp();
END $function$;
CREATE OR REPLACE FUNCTION public.root_of(frontier bytea)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  root bytea := CASE octet_length(frontier) WHEN 0 THEN sha256('') ELSE substr(frontier, octet_length(frontier) - 31) END;
BEGIN
  FOR at IN REVERSE octet_length(frontier) - 63..1 BY 32 LOOP
    root := sha256('\x01'::bytea || substr(frontier, at, 32) || root);
  END LOOP;
  RETURN root;
END $function$;

-- Triggers

CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoints_append_only BEFORE DELETE OR UPDATE ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER checkpoints_counted AFTER INSERT ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION count_evidence();
CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON public.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER checkpoints_of_tree BEFORE INSERT ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION check_checkpoint();
CREATE TRIGGER cosignatures_counted AFTER INSERT ON public.cosignatures FOR EACH ROW EXECUTE FUNCTION count_evidence();
CREATE TRIGGER log_identity_append_only BEFORE DELETE OR UPDATE ON public.log_identity FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_append_only BEFORE DELETE ON public.tree_tiles FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_grow BEFORE UPDATE ON public.tree_tiles FOR EACH ROW EXECUTE FUNCTION refuse_tile_change();
CREATE TRIGGER tree_tiles_no_truncate BEFORE TRUNCATE ON public.tree_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER trees_grow BEFORE INSERT OR UPDATE ON public.trees FOR EACH ROW EXECUTE FUNCTION check_tree();

-- Row-level security

ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON audit_events FOR SELECT TO audit_log_customer USING (((customer_id = current_setting('audit_log.customer_id'::text, true)) AND (("position" < ( SELECT log_head.first_position FROM log_head)) IS NOT TRUE)));
CREATE POLICY service ON audit_events FOR ALL TO audit_log_service USING (true);
ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON checkpoints FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON checkpoints FOR ALL TO audit_log_service USING (true);
ALTER TABLE summary_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON summary_counts FOR SELECT TO audit_log_customer USING ((scope = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON summary_counts FOR ALL TO audit_log_service USING (true);
ALTER TABLE summary_scopes ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON summary_scopes FOR SELECT TO audit_log_customer USING ((scope = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON summary_scopes FOR ALL TO audit_log_service USING (true);
ALTER TABLE tree_tiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON tree_tiles FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON tree_tiles FOR ALL TO audit_log_service USING (true);
ALTER TABLE trees ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer ON trees FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON trees FOR ALL TO audit_log_service USING (true);

-- Privileges

GRANT EXECUTE ON FUNCTION add_cosignature(bigint,text,text) TO audit_log_service;
GRANT EXECUTE ON FUNCTION analyze_segment(bigint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION can_end_silent_holders() TO audit_log_service;
GRANT EXECUTE ON FUNCTION claim_head(bigint,text) TO audit_log_service;
GRANT EXECUTE ON FUNCTION count_events(integer,integer,bigint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION end_silent_holders() TO audit_log_service;
GRANT EXECUTE ON FUNCTION ensure_segment(bigint,smallint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION frontier_bytes(bigint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION keep_keys(text[],text[],bytea[],bigint[]) TO audit_log_service;
GRANT EXECUTE ON FUNCTION mark_key_used(text) TO audit_log_service;
GRANT EXECUTE ON FUNCTION merge_search(bigint,bigint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION renew_timestamp(bigint,text) TO audit_log_service;
GRANT EXECUTE ON FUNCTION root_of(bytea) TO audit_log_service;
GRANT USAGE ON SCHEMA audit_segments TO audit_log_service;
GRANT SELECT ON api_keys TO audit_log_service;
GRANT SELECT ON audit_events TO audit_log_customer;
GRANT SELECT ON audit_events TO audit_log_service;
GRANT SELECT ON checkpoints TO audit_log_customer;
GRANT SELECT ON checkpoints TO audit_log_service;
GRANT INSERT ON checkpoints (log_size) TO audit_log_service;
GRANT INSERT ON checkpoints (note) TO audit_log_service;
GRANT INSERT ON checkpoints (root_hash) TO audit_log_service;
GRANT INSERT ON checkpoints (tree) TO audit_log_service;
GRANT INSERT ON checkpoints (tree_size) TO audit_log_service;
GRANT SELECT ON cosignatures TO audit_log_customer;
GRANT SELECT ON cosignatures TO audit_log_service;
GRANT SELECT ON evidence_counts TO audit_log_service;
GRANT SELECT ON idempotency_bounds TO audit_log_service;
GRANT SELECT ON idempotency_keys TO audit_log_service;
GRANT SELECT ON log_head TO audit_log_service;
GRANT SELECT ON log_head (first_position) TO audit_log_customer;
GRANT UPDATE ON log_head (singleton) TO audit_log_service;
GRANT SELECT ON log_identity TO audit_log_customer;
GRANT SELECT ON log_identity TO audit_log_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON rate_buckets TO audit_log_service;
GRANT SELECT ON summary_counts TO audit_log_customer;
GRANT SELECT ON summary_counts TO audit_log_service;
GRANT SELECT ON summary_scopes TO audit_log_customer;
GRANT SELECT ON summary_scopes TO audit_log_service;
GRANT SELECT ON tree_tiles TO audit_log_customer;
GRANT INSERT, SELECT ON tree_tiles TO audit_log_service;
GRANT UPDATE ON tree_tiles (hashes) TO audit_log_service;
GRANT UPDATE ON tree_tiles (positions) TO audit_log_service;
GRANT UPDATE ON tree_tiles (width) TO audit_log_service;
GRANT SELECT ON trees TO audit_log_customer;
GRANT INSERT, SELECT ON trees TO audit_log_service;
GRANT UPDATE ON trees (frontier) TO audit_log_service;
GRANT UPDATE ON trees (size) TO audit_log_service;

-- Roles

ALTER ROLE audit_log_customer NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
ALTER ROLE audit_log_service NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
GRANT audit_log_customer TO audit_log_service;
