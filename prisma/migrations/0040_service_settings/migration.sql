-- Settings: what the service was last started with, without secrets, so that the next start can tell what has changed.
-- A new table; no lock on others, safe online. The service's own role may read it and nothing else: its start writes
-- as the owner.

CREATE TABLE service_settings (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  settings      jsonb NOT NULL
);
REVOKE INSERT, UPDATE ON service_settings FROM audit_log_service;
