-- Purges: a removal that was announced hides its events at once, before their rows are gone; where the newest announcement
-- is, and from which position on each has a root hash. Two columns without a default, one policy, one privilege: short
-- exclusive locks on log_head, audit_events and checkpoints, safe while the service runs.

-- 0 in a log of this version; of an older one the first start fills it in and records an event there.
ALTER TABLE log_head ADD COLUMN announced_from bigint;
-- The position of the newest announcement that has one, to find it by; verification does not believe it.
ALTER TABLE log_head ADD COLUMN announced_at bigint;

-- Not as `position >= first_position`: PostgreSQL would take that for a narrow condition, which it hardly ever is.
ALTER POLICY customer ON audit_events USING (
  customer_id = current_setting('audit_log.customer_id', true)
  AND (position < (SELECT first_position FROM log_head)) IS NOT TRUE);

-- When a checkpoint was signed is the word of the database's clock, by which the age of events is measured.
REVOKE INSERT ON checkpoints FROM audit_log_service;
GRANT INSERT (tree, tree_size, log_size, root_hash, note) ON checkpoints TO audit_log_service;
