import type { Pool } from '../db/pool.ts';
import { KEYS_CHANNEL } from './keys.ts';
import { createSecret, hashSecret } from './secret.ts';

const ADMIN_KEY_ID = 'admin';

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
 * A configured one is valid from then on, also when it was revoked before; what is open on a former secret ends, on
 * every instance.
 */
export async function ensureAdminKey(
  pool: Pool,
  configured: string | undefined,
): Promise<string | undefined> {
  const secret = configured ?? createSecret();
  const { rowCount } = await pool.query(
    `INSERT INTO api_keys AS key (id, name, secret_hash, scopes) VALUES ($1, 'admin', $2, '{admin}')
     ON CONFLICT (id) DO ${configured === undefined ? 'NOTHING' : REPLACE}`,
    [ADMIN_KEY_ID, hashSecret(secret)],
  );
  if (configured !== undefined) await pool.query('SELECT pg_notify($1, $2)', [KEYS_CHANNEL, ADMIN_KEY_ID]);
  return configured === undefined && rowCount === 1 ? secret : undefined;
}

const REPLACE = `UPDATE SET secret_hash = excluded.secret_hash, revoked_at = NULL,
  generation = key.generation + (key.secret_hash <> excluded.secret_hash)::integer`;
