import { randomBytes } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import type { Scope } from './scopes.ts';
import { hashSecret } from './secret.ts';

/** Notified, with the id, when a key is revoked. */
export const KEYS_CHANNEL = 'audit_log_keys';

/** An API key without its secret, of which only a hash is kept. Times are milliseconds since 1970. */
export interface ApiKey {
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** Bound to this customer's events; undefined: to none. */
  customerId: string | undefined;
  createdAt: number;
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  /** To the minute. */
  lastUsedAt: number | undefined;
}

interface KeyRow {
  id: string;
  name: string;
  scopes: Scope[];
  customer_id: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
}

const COLUMNS = 'id, name, scopes, customer_id, created_at, expires_at, revoked_at, last_used_at';
const IS_VALID = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';

/** What is stored of a new key. */
export interface NewKey {
  /** Absent: a random one. */
  id?: string;
  name: string;
  secret: string;
  scopes: readonly Scope[];
  customerId?: string | undefined;
  expiresAt?: number | undefined;
}

/** A random id for a key. */
export function createKeyId(): string {
  return `key_${randomBytes(12).toString('hex')}`;
}

/** Stores a key, its secret hashed. */
export async function storeKey(pool: Pool, key: NewKey): Promise<ApiKey> {
  const { rows } = await pool.query<KeyRow>(
    `INSERT INTO api_keys (id, name, secret_hash, scopes, customer_id, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
     RETURNING ${COLUMNS}`,
    [
      key.id ?? createKeyId(),
      key.name,
      hashSecret(key.secret),
      key.scopes,
      key.customerId ?? null,
      key.expiresAt === undefined ? null : new Date(key.expiresAt),
    ],
  );
  return keyOfRow(rows[0] as KeyRow);
}

/** The key with that secret; undefined when it is unknown, expired or revoked. */
export async function findKey(pool: Pool, secret: string): Promise<ApiKey | undefined> {
  // Looked up by the hash of what was sent: how long that takes says nothing of the secrets.
  const { rows } = await pool.query<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys WHERE secret_hash = $1 AND ${IS_VALID}`,
    [hashSecret(secret)],
  );
  return rows[0] && keyOfRow(rows[0]);
}

/** All keys, newest first, revoked and expired ones too. */
export async function listKeys(pool: Pool): Promise<ApiKey[]> {
  const { rows } = await pool.query<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys ORDER BY created_at DESC, id COLLATE "C"`,
  );
  return rows.map(keyOfRow);
}

/** Revokes the key for ever, tells every instance, and returns it; undefined when there is none of that id. */
export async function markRevoked(pool: Pool, id: string): Promise<ApiKey | undefined> {
  const { rows } = await pool.query<KeyRow>(
    `WITH revoked AS (
       UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING ${COLUMNS}
     )
     SELECT ${COLUMNS}, pg_notify('${KEYS_CHANNEL}', id) FROM revoked`,
    [id],
  );
  return rows[0] && keyOfRow(rows[0]);
}

/** Sets the time of last use to now, unless it is less than a minute ago. */
export async function markUsed(pool: Pool, id: string): Promise<void> {
  await pool.query(
    `UPDATE api_keys SET last_used_at = now()
     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
    [id],
  );
}

/** Those of the ids whose keys are neither revoked nor expired. */
export async function findValid(pool: Pool, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM api_keys WHERE id = ANY($1::text[]) AND ${IS_VALID}`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

function keyOfRow(row: KeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    customerId: row.customer_id ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
