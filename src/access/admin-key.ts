import type { Pool } from '../db/pool.ts';
import { KEYS_CHANNEL } from './keys.ts';
import { createSecret, hashSecret } from './secret.ts';

const ADMIN_KEY_ID = 'admin';

/** What a start did about the admin's key. */
export interface AdminKey {
  /** Of a new one that nobody chose: it is shown once. */
  secret: string | undefined;
  /** `made`: there was none; `replaced`: another secret was configured; undefined: nothing has changed. */
  change: 'made' | 'replaced' | undefined;
}

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
 * A configured one is valid from then on, also when it was revoked before; what is open on a former secret ends, on
 * every instance.
 */
export async function ensureAdminKey(pool: Pool, configured: string | undefined): Promise<AdminKey> {
  const secret = configured ?? createSecret();
  const hash = hashSecret(secret);
  const { rows } = await pool.query<{ secret_hash: Buffer; is_revoked: boolean }>(
    'SELECT secret_hash, revoked_at IS NOT NULL AS is_revoked FROM api_keys WHERE id = $1',
    [ADMIN_KEY_ID],
  );
  const [before] = rows;
  const { rowCount } = await pool.query(
    `INSERT INTO api_keys AS key (id, name, secret_hash, scopes) VALUES ($1, 'admin', $2, '{admin}')
     ON CONFLICT (id) DO ${configured === undefined ? 'NOTHING' : REPLACE}`,
    [ADMIN_KEY_ID, hash],
  );
  if (configured !== undefined) await pool.query('SELECT pg_notify($1, $2)', [KEYS_CHANNEL, ADMIN_KEY_ID]);
  const isReplaced =
    configured !== undefined && (before?.is_revoked || before?.secret_hash.equals(hash) === false);
  return {
    secret: configured === undefined && rowCount === 1 ? secret : undefined,
    change: isReplaced ? 'replaced' : before || rowCount !== 1 ? undefined : 'made',
  };
}

const REPLACE = `UPDATE SET secret_hash = excluded.secret_hash, revoked_at = NULL,
  generation = key.generation + (key.secret_hash <> excluded.secret_hash)::integer`;
