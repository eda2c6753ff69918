-- The log: one ordered, append-only table in segments, its head row, idempotency keys and API keys.
-- Takes no lock on anything that exists; for an empty database.

CREATE SCHEMA audit_segments;

CREATE TABLE audit_events (
  position      bigint          NOT NULL,
  id            text            NOT NULL,
  salt          bytea           NOT NULL CHECK (octet_length(salt) = 16),
  leaf_hash     bytea           NOT NULL CHECK (octet_length(leaf_hash) = 32),
  "timestamp"   timestamptz(3)  NOT NULL,
  recorded_at   timestamptz(3)  NOT NULL,
  event_type    text            NOT NULL,
  outcome       text            NOT NULL,
  severity      text            NOT NULL,
  user_id       text,
  customer_id   text,
  session_id    text,
  ip_address    inet,
  user_agent    text,
  request_id    text,
  resource_type text,
  resource_id   text,
  action        text            NOT NULL,
  description   text            NOT NULL,
  details       jsonb           NOT NULL,
  old_values    jsonb,
  new_values    jsonb,
  -- The words that `search` matches, made by the service, so that SQL and the feed agree on what a word is.
  search_words  text[]          NOT NULL,
  PRIMARY KEY (position)
) PARTITION BY RANGE (position);

CREATE INDEX audit_events_id ON audit_events (id);
CREATE INDEX audit_events_timestamp ON audit_events ("timestamp", position);
CREATE INDEX audit_events_user ON audit_events (user_id, "timestamp", position) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_customer ON audit_events (customer_id, "timestamp", position) WHERE customer_id IS NOT NULL;
CREATE INDEX audit_events_type ON audit_events (event_type, "timestamp", position);
CREATE INDEX audit_events_resource ON audit_events (resource_type, resource_id, "timestamp", position)
  WHERE resource_type IS NOT NULL;
CREATE INDEX audit_events_ip ON audit_events (ip_address) WHERE ip_address IS NOT NULL;

-- One row: whoever moves it owns the log for one transaction, so commit order is position order.
CREATE TABLE log_head (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  size          bigint  NOT NULL,
  root_hash     bytea   NOT NULL,
  frontier      bytea   NOT NULL,
  first_position bigint NOT NULL,
  segment_bits  smallint NOT NULL
);

CREATE TABLE idempotency_keys (
  scope         text   NOT NULL,
  key           text   NOT NULL,
  content_hash  bytea  NOT NULL,
  position      bigint NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE TABLE api_keys (
  id            text PRIMARY KEY,
  name          text NOT NULL,
  secret_hash   bytea NOT NULL UNIQUE,
  scopes        text[] NOT NULL,
  customer_id   text,
  created_at    timestamptz(3) NOT NULL DEFAULT now(),
  expires_at    timestamptz(3),
  revoked_at    timestamptz(3),
  last_used_at  timestamptz(3)
);

CREATE TABLE service_secrets (
  name          text PRIMARY KEY,
  value         bytea NOT NULL
);

-- Append-only is enforced here, not by good manners: only a transaction that says it is the purge may remove.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('audit_log.purging', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Appends one batch if the head still has the expected size; returns whether it did. One call is one transaction.
-- events: the rows in order, as a JSON array; keys: [{scope, key, content_hash (hex), position}].
CREATE FUNCTION append_batch(expected bigint, next_size bigint, next_root bytea, next_frontier bytea,
                             events jsonb, keys jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE log_head SET size = next_size, root_hash = next_root, frontier = next_frontier WHERE size = expected;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO audit_events (position, id, salt, leaf_hash, "timestamp", recorded_at, event_type, outcome, severity,
      user_id, customer_id, session_id, ip_address, user_agent, request_id, resource_type, resource_id, action,
      description, details, old_values, new_values, search_words)
    SELECT position, id, salt, leaf_hash, "timestamp", recorded_at, event_type, outcome, severity,
      user_id, customer_id, session_id, ip_address, user_agent, request_id, resource_type, resource_id, action,
      description, details, old_values, new_values, search_words
    FROM jsonb_populate_recordset(NULL::audit_events, events);
  IF jsonb_array_length(keys) > 0 THEN
    INSERT INTO idempotency_keys (scope, key, content_hash, position)
      SELECT scope, key, content_hash, position FROM jsonb_populate_recordset(NULL::idempotency_keys, keys);
  END IF;
  PERFORM pg_notify('audit_log', next_size::text);
  RETURN true;
END $$;

-- Makes the segment that holds `segment * 2^bits` if it is not there.
CREATE FUNCTION ensure_segment(segment bigint, bits smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := 's' || lpad(segment::text, 8, '0');
BEGIN
  IF to_regclass('audit_segments.' || name) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log.segment'));
    EXECUTE format('CREATE TABLE IF NOT EXISTS audit_segments.%I PARTITION OF audit_events FOR VALUES FROM (%s) TO (%s)',
      name, segment << bits, (segment + 1) << bits);
  END IF;
END $$;
