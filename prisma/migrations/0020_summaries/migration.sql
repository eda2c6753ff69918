-- Summaries: counts of events by time bucket and event type, and how far each scope is counted.
-- New tables only, so it locks nothing that exists and is safe online; the service counts an existing log afterwards.

-- A scope is `log`, all events, or `customer/` and the customer's id. Whoever changes any count holds the row of `log`.
CREATE TABLE summary_scopes (
  scope            text   PRIMARY KEY,
  -- The counts hold the events before this position, and no others.
  counted          bigint NOT NULL,
  -- All events in the counts, and those that were taken off again, lie between these times; null: not known.
  earliest         timestamptz,
  latest           timestamptz,
  -- The months whose days a customer has counts of: those with many events.
  daily_months     timestamptz[] NOT NULL DEFAULT '{}'
);
INSERT INTO summary_scopes (scope, counted) SELECT 'log', coalesce((SELECT first_position FROM log_head), 0);

CREATE TABLE summary_counts (
  scope            text        NOT NULL,
  -- hour, day or month, in UTC.
  level            text        NOT NULL,
  -- Whether the row is of one event type; else it is of all, and the type is empty.
  by_type          boolean     NOT NULL,
  bucket           timestamptz NOT NULL,
  event_type       text        NOT NULL,
  total            bigint      NOT NULL,
  outcome_success  bigint      NOT NULL,
  outcome_failure  bigint      NOT NULL,
  outcome_error    bigint      NOT NULL,
  outcome_denied   bigint      NOT NULL,
  severity_debug   bigint      NOT NULL,
  severity_info    bigint      NOT NULL,
  severity_warning bigint      NOT NULL,
  severity_error   bigint      NOT NULL,
  severity_critical bigint     NOT NULL,
  PRIMARY KEY (scope, level, by_type, bucket, event_type)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON summary_scopes, summary_counts TO audit_log_service;
GRANT SELECT ON summary_scopes, summary_counts TO audit_log_customer;
ALTER TABLE summary_scopes ENABLE ROW LEVEL SECURITY;
ALTER TABLE summary_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY service ON summary_scopes FOR ALL TO audit_log_service USING (true);
CREATE POLICY service ON summary_counts FOR ALL TO audit_log_service USING (true);
CREATE POLICY customer ON summary_scopes FOR SELECT TO audit_log_customer
  USING (scope = 'customer/' || current_setting('audit_log.customer_id', true));
CREATE POLICY customer ON summary_counts FOR SELECT TO audit_log_customer
  USING (scope = 'customer/' || current_setting('audit_log.customer_id', true));
