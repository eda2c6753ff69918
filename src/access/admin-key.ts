import type { Pool } from '../db/pool.ts';
import { createSecret, hashSecret } from './secret.ts';

const ADMIN_KEY_ID = 'admin';

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
 * A configured one is valid from then on, also when it was revoked before.
 */
export async function ensureAdminKey(
  pool: Pool,
  configured: string | undefined,
): Promise<string | undefined> {
  const secret = configured ?? createSecret();
  const { rowCount } = await pool.query(
    `INSERT INTO api_keys (id, name, secret_hash, scopes) VALUES ($1, 'admin', $2, '{admin}')
     ON CONFLICT (id) DO ${configured === undefined ? 'NOTHING' : 'UPDATE SET secret_hash = excluded.secret_hash, revoked_at = NULL'}`,
    [ADMIN_KEY_ID, hashSecret(secret)],
  );
  return configured === undefined && rowCount === 1 ? secret : undefined;
}
