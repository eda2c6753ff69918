import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import type { Scope } from './scopes.ts';
import type { Viewer } from './viewer.ts';

const ADMIN_KEY_ID = 'admin';

interface KeyRow {
  id: string;
  secret_hash: Buffer;
  scopes: Scope[];
  customer_id: string | null;
}

/** A new secret for a key: 32 random bytes behind a prefix that scanners can recognise. */
export function createSecret(): string {
  return `aul_${randomBytes(32).toString('base64url')}`;
}

/** The viewer of a key; undefined when it is unknown, expired or revoked. */
export async function findViewer(pool: Pool, secret: string): Promise<Viewer | undefined> {
  const hash = hashSecret(secret);
  const { rows } = await pool.query<KeyRow>(
    `SELECT id, secret_hash, scopes, customer_id FROM api_keys
     WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    [hash],
  );
  const row = rows[0];
  if (!row || !timingSafeEqual(row.secret_hash, hash)) return undefined;
  return { keyId: row.id, scopes: row.scopes, customerId: row.customer_id ?? undefined };
}

/** Stores a key hashed, and returns its id. */
export async function storeKey(
  pool: Pool,
  key: { name: string; secret: string; scopes: readonly Scope[]; customerId?: string | undefined },
): Promise<string> {
  const id = randomBytes(9).toString('base64url');
  await pool.query(
    'INSERT INTO api_keys (id, name, secret_hash, scopes, customer_id) VALUES ($1, $2, $3, $4, $5)',
    [id, key.name, hashSecret(key.secret), key.scopes, key.customerId ?? null],
  );
  return id;
}

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
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

// The secrets are random and long, so one round of a fast hash is enough.
function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
