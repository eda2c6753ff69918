-- Counting: the counts behind summaries are changed by one function of the owner, which counts the next events of the log
-- as they are stored. The service's role can no longer write a count.
-- A new function and fewer privileges, without locks on tables. Older instances stop counting; nothing else is lost by it.

REVOKE INSERT, UPDATE ON summary_scopes, summary_counts FROM audit_log_service;

-- Adds events to the counts and returns the rows that were changed. `events` is a query of their scope, "timestamp",
-- event_type, outcome and severity; `kept` are the levels to count them at, each with and without the type, as VALUES;
-- `condition` may leave out rows. Not for the service: what it is given it runs.
CREATE FUNCTION public.add_counts(events text, kept text, condition text DEFAULT 'true')
RETURNS SETOF public.summary_counts LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
END $$;

-- Counts the next `most` events of the log, and returns how many those were: 0 when all are counted, or when another
-- instance is counting. Of 256 events, `customers` bring the counts of their customer up to date: so a few hundred events
-- of a customer wait, whether it has most of the log or hardly any (its own index finds them), and nothing has to remember
-- how many. From `daily` events of a type on, the days of a customer's month are counted too.
CREATE FUNCTION public.count_events(most integer, customers integer, daily bigint) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
END $$;

REVOKE EXECUTE ON FUNCTION public.add_counts(text, text, text), public.count_events(integer, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.count_events(integer, integer, bigint) TO audit_log_service;
