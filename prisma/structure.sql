-- What the migrations make, written by `npm run structure` and checked by the tests: to be read, not run.

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
ALTER TABLE checkpoints ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (tree, tree_size, log_size);
ALTER TABLE cosignatures ADD CONSTRAINT cosignatures_pkey PRIMARY KEY (tree_size, key_name, key_id);
ALTER TABLE evidence_counts ADD CONSTRAINT evidence_counts_pkey PRIMARY KEY (tree);
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
CREATE UNIQUE INDEX tree_tiles_positions ON public.tree_tiles USING btree (tree, first_position) WHERE (first_position IS NOT NULL);

-- Functions

CREATE OR REPLACE FUNCTION public.analyze_segment(segment bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
AS $function$
  DECLARE
    relation text := 'audit_segments.s' || lpad(segment::text, 8, '0');
    events bigint := (SELECT size - (segment << segment_bits) FROM log_head);
    known real := (SELECT reltuples FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(relation));
  BEGIN
    IF known IS NOT NULL AND events >= 8 * greatest(known, 1) THEN
      EXECUTE 'ANALYZE (SKIP_LOCKED) ' || relation || ' (position)';
    END IF;
  END $function$;
CREATE OR REPLACE FUNCTION public.claim_head(expected bigint, next text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM FROM log_head WHERE size = expected FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log has grown meanwhile' USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM set_config('audit_log.next', next, true);
END $function$;
CREATE OR REPLACE FUNCTION public.count_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
  IF TG_TABLE_NAME = 'checkpoints' THEN
    INSERT INTO evidence_counts AS counts (tree, checkpoints) VALUES (NEW.tree, 1)
      ON CONFLICT (tree) DO UPDATE SET checkpoints = counts.checkpoints + 1;
  ELSE
    INSERT INTO evidence_counts AS counts (tree, cosignatures) VALUES ('log', 1)
      ON CONFLICT (tree) DO UPDATE SET cosignatures = counts.cosignatures + 1;
  END IF;
  RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.ensure_segment(segment bigint, bits smallint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
  plain text := 's' || lpad(segment::text, 8, '0');
  name text := format('audit_segments.%I', plain);
BEGIN
  IF to_regclass(name) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log.segment'));
    IF NOT EXISTS (
      SELECT FROM pg_catalog.pg_class WHERE relname = plain AND relnamespace = 'audit_segments'::regnamespace
    ) THEN
      EXECUTE format('CREATE TABLE %s (LIKE audit_events INCLUDING ALL)', name);
      PERFORM open_segment(name::regclass);
      EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
        name, segment << bits, (segment + 1) << bits);
    END IF;
  END IF;
END $function$;
CREATE OR REPLACE FUNCTION public.keep_keys(scopes text[], keys text[], content_hashes bytea[], positions bigint[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
AS $function$
  INSERT INTO idempotency_keys (scope, key, content_hash, position)
    SELECT * FROM unnest(scopes, keys, content_hashes, positions)
$function$;
CREATE OR REPLACE FUNCTION public.merge_search(first bigint, last bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
AS $function$
  SELECT gin_clean_pending_list(indexrelid)
  FROM pg_catalog.generate_series(first, last) AS segment
    JOIN pg_catalog.pg_index ON indrelid = pg_catalog.to_regclass('audit_segments.s' || lpad(segment::text, 8, '0'))
    JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid
    JOIN pg_catalog.pg_am ON pg_am.oid = relam AND amname = 'gin'
  $function$;
CREATE OR REPLACE FUNCTION public.move_head()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION public.open_segment(segment regclass)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM audit_log_service', segment);
  EXECUTE format('GRANT INSERT ON %s TO audit_log_service', segment);
  EXECUTE format('CREATE TRIGGER move_head AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION move_head()', segment);
END $function$;
CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
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
AS $function$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $function$;
CREATE OR REPLACE FUNCTION public.refuse_tile_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF substr(NEW.hashes, 1, octet_length(OLD.hashes)) = OLD.hashes AND NEW.width > OLD.width
    AND (NEW.tree, NEW.level, NEW.index) = (OLD.tree, OLD.level, OLD.index) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
END $function$;

-- Triggers

CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoints_append_only BEFORE DELETE OR UPDATE ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER checkpoints_counted AFTER INSERT ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION count_evidence();
CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON public.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER cosignatures_counted AFTER INSERT ON public.cosignatures FOR EACH ROW EXECUTE FUNCTION count_evidence();
CREATE TRIGGER log_identity_append_only BEFORE DELETE OR UPDATE ON public.log_identity FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_append_only BEFORE DELETE ON public.tree_tiles FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_grow BEFORE UPDATE ON public.tree_tiles FOR EACH ROW EXECUTE FUNCTION refuse_tile_change();
CREATE TRIGGER tree_tiles_no_truncate BEFORE TRUNCATE ON public.tree_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();

-- Row-level security

CREATE POLICY customer ON audit_events FOR SELECT TO audit_log_customer USING (((customer_id = current_setting('audit_log.customer_id'::text, true)) AND (("position" < ( SELECT log_head.first_position
   FROM log_head)) IS NOT TRUE)));
CREATE POLICY service ON audit_events FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON checkpoints FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON checkpoints FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON summary_counts FOR SELECT TO audit_log_customer USING ((scope = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON summary_counts FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON summary_scopes FOR SELECT TO audit_log_customer USING ((scope = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON summary_scopes FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON tree_tiles FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON tree_tiles FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON trees FOR SELECT TO audit_log_customer USING ((tree = ('customer/'::text || current_setting('audit_log.customer_id'::text, true))));
CREATE POLICY service ON trees FOR ALL TO audit_log_service USING (true);

-- Privileges

GRANT EXECUTE ON FUNCTION analyze_segment(bigint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION claim_head(bigint,text) TO audit_log_service;
GRANT EXECUTE ON FUNCTION ensure_segment(bigint,smallint) TO audit_log_service;
GRANT EXECUTE ON FUNCTION keep_keys(text[],text[],bytea[],bigint[]) TO audit_log_service;
GRANT EXECUTE ON FUNCTION merge_search(bigint,bigint) TO audit_log_service;
GRANT USAGE ON SCHEMA audit_segments TO audit_log_service;
GRANT SELECT ON api_keys TO audit_log_service;
GRANT UPDATE ON api_keys (last_used_at) TO audit_log_service;
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
GRANT INSERT, SELECT, UPDATE ON cosignatures TO audit_log_service;
GRANT SELECT ON evidence_counts TO audit_log_service;
GRANT SELECT ON idempotency_keys TO audit_log_service;
GRANT SELECT ON log_head TO audit_log_service;
GRANT SELECT ON log_head (first_position) TO audit_log_customer;
GRANT UPDATE ON log_head (singleton) TO audit_log_service;
GRANT SELECT ON log_identity TO audit_log_customer;
GRANT SELECT ON log_identity TO audit_log_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON rate_buckets TO audit_log_service;
GRANT SELECT ON service_secrets TO audit_log_service;
GRANT SELECT ON service_settings TO audit_log_service;
GRANT SELECT ON summary_counts TO audit_log_customer;
GRANT INSERT, SELECT, UPDATE ON summary_counts TO audit_log_service;
GRANT SELECT ON summary_scopes TO audit_log_customer;
GRANT INSERT, SELECT, UPDATE ON summary_scopes TO audit_log_service;
GRANT SELECT ON tree_tiles TO audit_log_customer;
GRANT INSERT, SELECT, UPDATE ON tree_tiles TO audit_log_service;
GRANT SELECT ON trees TO audit_log_customer;
GRANT INSERT, SELECT, UPDATE ON trees TO audit_log_service;
