-- Generations: what is open on a key tells whether the key still has the secret that opened it (the admin's can change).
-- A column with a constant default: a short exclusive lock on api_keys, safe online. What spent keys' buckets have left
-- may be removed by the service once they are full again: identities of tokens are without number.

ALTER TABLE api_keys ADD COLUMN generation integer NOT NULL DEFAULT 0;
GRANT DELETE ON rate_buckets TO audit_log_service;
