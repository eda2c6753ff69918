-- Roles: what the service may do, what retention may do, and what a customer may see (row-level security).
-- Needs CREATEROLE, or the two roles made beforehand (docs/operations.md). Short exclusive locks on the tables; safe while nothing runs.
-- Roles belong to the whole server: another database of it may have made them already.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['audit_log_service', 'audit_log_customer'] LOOP
    -- PostgreSQL wants CREATEROLE before it looks whether the role is there.
    CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END $$;
-- Whoever migrates can act as either, and the service as a customer. Where another owner made the roles, this one may not
-- grant them: then the start of the service says which grant is missing, if one is.
DO $$
DECLARE
  -- From version 16 on a member need not be allowed to act as the role.
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

-- The service reads and appends. Appending and making a segment are functions of the owner, so it may not even
-- insert a row in another way.
GRANT SELECT ON audit_events, log_head, idempotency_keys, api_keys, service_secrets, log_identity, trees, tree_tiles,
  checkpoints, cosignatures TO audit_log_service;
-- To lock the head row; the column cannot have another value.
GRANT UPDATE (singleton) ON log_head TO audit_log_service;
GRANT INSERT, UPDATE ON trees, tree_tiles, cosignatures TO audit_log_service;
GRANT INSERT ON checkpoints TO audit_log_service;
GRANT UPDATE (last_used_at) ON api_keys TO audit_log_service;
ALTER FUNCTION append_batch(bigint, bigint, bytea, bytea, jsonb, jsonb) SECURITY DEFINER SET search_path FROM CURRENT;
ALTER FUNCTION ensure_segment(bigint, smallint) SECURITY DEFINER SET search_path FROM CURRENT;
REVOKE EXECUTE ON FUNCTION append_batch(bigint, bigint, bytea, bytea, jsonb, jsonb), ensure_segment(bigint, smallint)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_batch(bigint, bigint, bytea, bytea, jsonb, jsonb), ensure_segment(bigint, smallint)
  TO audit_log_service;

-- A customer sees its own rows.
GRANT SELECT ON audit_events, trees, tree_tiles, checkpoints TO audit_log_customer;
GRANT SELECT (first_position) ON log_head TO audit_log_customer;
-- Public facts of the log, without any customer's hashes.
GRANT SELECT ON cosignatures, log_identity TO audit_log_customer;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE trees ENABLE ROW LEVEL SECURITY;
ALTER TABLE tree_tiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY service ON audit_events FOR ALL TO audit_log_service USING (true);
CREATE POLICY service ON trees FOR ALL TO audit_log_service USING (true);
CREATE POLICY service ON tree_tiles FOR ALL TO audit_log_service USING (true);
CREATE POLICY service ON checkpoints FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON audit_events FOR SELECT TO audit_log_customer
  USING (customer_id = current_setting('audit_log.customer_id', true));
CREATE POLICY customer ON trees FOR SELECT TO audit_log_customer
  USING (tree = 'customer/' || current_setting('audit_log.customer_id', true));
CREATE POLICY customer ON tree_tiles FOR SELECT TO audit_log_customer
  USING (tree = 'customer/' || current_setting('audit_log.customer_id', true));
CREATE POLICY customer ON checkpoints FOR SELECT TO audit_log_customer
  USING (tree = 'customer/' || current_setting('audit_log.customer_id', true));

-- What later migrations add is none of the log's own tables. Where it holds customers' data, it needs policies like
-- these, and where the service has to delete, a GRANT of its own.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE ON TABLES TO audit_log_service;
