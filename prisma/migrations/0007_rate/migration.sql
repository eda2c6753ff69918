-- Rate: what each key may still spend, shared by the instances.
-- A new table; no lock on others, safe online. Unlogged: after a crash all keys start afresh, which harms nobody.

CREATE UNLOGGED TABLE rate_buckets (
  key_id        text PRIMARY KEY,
  points        double precision NOT NULL,
  filled_at     timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON rate_buckets TO audit_log_service;
