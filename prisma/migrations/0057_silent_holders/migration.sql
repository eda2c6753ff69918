-- An instance that vanishes while it holds the head of the log, or rows on their way into a segment, blocks all others: the
-- database ends its connection. New functions, and grants where the owner may give them; no lock on tables, safe online.

-- Ends the connections of the service that block others of the service and say nothing. It takes no arguments: which ones
-- those are it finds by itself, in six looks within two seconds and a half. In each of them the connection
-- * is one of the caller's login or the owner's, of the service, in this database;
-- * blocks another such connection;
-- * holds a row of the head, of the trees or of the counts, or rows of a segment, or makes a segment;
-- * waits for its client: in an open COPY, between two messages or between two statements.
-- No timeout of PostgreSQL fires inside an open COPY. Returns how many it ended.
CREATE FUNCTION public.end_silent_holders() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
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
END $$;
REVOKE EXECUTE ON FUNCTION end_silent_holders() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_silent_holders() TO audit_log_service;

-- Whether the owner can see and end the connections of the caller's login.
CREATE FUNCTION public.can_end_silent_holders() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
  SELECT pg_catalog.pg_has_role(current_user, session_user, 'USAGE')
      AND (owner.rolsuper OR NOT login.rolsuper)
    OR NOT login.rolsuper AND pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
      AND pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_catalog.pg_roles AS owner, pg_catalog.pg_roles AS login
  WHERE owner.rolname = current_user AND login.rolname = session_user
$$;
REVOKE EXECUTE ON FUNCTION can_end_silent_holders() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION can_end_silent_holders() TO audit_log_service;

-- The logins that the service may have today. A start grants its own when it is missing.
DO $$
DECLARE
  login name;
BEGIN
  FOR login IN
    SELECT member.rolname FROM pg_catalog.pg_auth_members JOIN pg_catalog.pg_roles AS member ON member.oid = pg_auth_members.member
    WHERE roleid = 'audit_log_service'::regrole AND member.rolcanlogin AND NOT member.rolsuper
      AND NOT pg_catalog.pg_has_role(current_user, member.oid, 'USAGE')
  LOOP
    BEGIN
      EXECUTE pg_catalog.format('GRANT %I TO CURRENT_USER', login);
    EXCEPTION WHEN OTHERS THEN
      NULL; -- The start says what is missing.
    END;
  END LOOP;
END $$;
