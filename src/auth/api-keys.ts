import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { timeOn } from '../db/clock.ts';
import type { ApiKeyModel, ApiKeyWhereInput } from '../db/generated/models.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Scope } from './principal-and-scopes.ts';

/** The NOTIFY channel of changed keys. The payload is the id of the key. */
export const KEYS_CHANNEL = 'audit_log_keys';

/** An API key without its secret, of which only a hash is stored. Times are milliseconds since 1970. */
export interface ApiKey {
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** How often the secret was replaced. Only the secret of the admin key can be. */
  generation: number;
  /** The only customer that the key gives access to. Undefined: all customers. */
  customerId: string | undefined;
  createdAt: number;
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  /** Accurate to a minute. */
  lastUsedAt: number | undefined;
}

/** A new key, as it is stored. */
export interface NewKey {
  /** Default: a random id. */
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

/** Stores a key with the hash of its secret. */
export async function storeKey(pool: Pool, key: NewKey): Promise<ApiKey> {
  const row = await prismaOn(pool).apiKey.create({
    data: {
      id: key.id ?? createKeyId(),
      name: key.name,
      secretHash: storedHash(key.secret),
      scopes: [...key.scopes],
      customerId: key.customerId ?? null,
      expiresAt: key.expiresAt === undefined ? null : new Date(key.expiresAt),
    },
  });
  return keyOf(row);
}

/** The valid keys whose secrets have these hashes, by hash in hex. Unknown, expired and revoked keys are left out. */
export async function findKeys(pool: Pool, hashes: readonly Buffer[]): Promise<Map<string, ApiKey>> {
  const rows = await prismaOn(pool).apiKey.findMany({
    where: { secretHash: { in: hashes.map((hash) => new Uint8Array(hash)) }, ...isValid(pool) },
  });
  return new Map(rows.map((row) => [Buffer.from(row.secretHash).toString('hex'), keyOf(row)]));
}

/** All keys, newest first, including revoked and expired ones. */
export async function listKeys(pool: Pool): Promise<ApiKey[]> {
  const rows = await prismaOn(pool).apiKey.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'asc' }] });
  return rows.map(keyOf);
}

/** Revokes the key for ever, notifies every instance, and returns the key. Undefined when no key has the id. */
export async function markRevoked(pool: Pool, id: string): Promise<ApiKey | undefined> {
  return prismaOn(pool).$transaction(async (prisma) => {
    await prisma.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
    const row = await prisma.apiKey.findUnique({ where: { id } });
    if (!row) return undefined;
    await prisma.$executeRaw`SELECT pg_notify(${KEYS_CHANNEL}, ${id})`;
    return keyOf(row);
  });
}

/**
 * Sets the time of last use to now, unless it is less than a minute ago. The role of the service cannot set another time.
 */
export async function markUsed(pool: Pool, id: string): Promise<void> {
  await prismaOn(pool).$executeRaw`SELECT mark_key_used(${id})`;
}

/** The generations of the keys among `ids` that are neither revoked nor expired, by id. */
export async function findValid(pool: Pool, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await prismaOn(pool).apiKey.findMany({
    where: { id: { in: [...ids] }, ...isValid(pool) },
    select: { id: true, generation: true },
  });
  return new Map(rows.map(({ id, generation }) => [id, generation]));
}

function storedHash(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hashSecret(secret));
}

// By the clock of the database: an expired key must not become valid again when the clock of this machine is set back.
function isValid(pool: Pool): ApiKeyWhereInput {
  return { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date(timeOn(pool)) } }] };
}

function keyOf(row: ApiKeyModel): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes as Scope[],
    generation: row.generation,
    customerId: row.customerId ?? undefined,
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt?.getTime(),
    revokedAt: row.revokedAt?.getTime(),
    lastUsedAt: row.lastUsedAt?.getTime(),
  };
}

const SECRET_PREFIX = 'aul_';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
// 62^43 > 2^256 and 62^6 > 2^32.
const RANDOM_DIGITS = 43;
const CHECK_DIGITS = 6;
const SECRET_SHAPE = new RegExp(`^${SECRET_PREFIX}[0-9A-Za-z]{${RANDOM_DIGITS + CHECK_DIGITS}}$`);

/**
 * A new secret for a key: `aul_`, 32 random bytes as 43 digits in base 62, and 6 digits of the CRC-32 of what precedes
 * them. With the checksum, a scanner recognises a leaked secret offline, as with GitHub's tokens.
 */
export function createSecret(): string {
  const random = BigInt(`0x${randomBytes(32).toString('hex')}`);
  const text = SECRET_PREFIX + base62(random, RANDOM_DIGITS);
  return text + checksumOf(text);
}

/** Whether the text has the form of a generated secret with a wrong checksum: such a secret was never issued. */
export function isMistyped(secret: string): boolean {
  return (
    SECRET_SHAPE.test(secret) && secret.slice(-CHECK_DIGITS) !== checksumOf(secret.slice(0, -CHECK_DIGITS))
  );
}

/**
 * The stored form of a secret: its SHA-256. A slow password hash is not needed: a generated secret has 256 random bits,
 * which cannot be guessed.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function checksumOf(text: string): string {
  return base62(BigInt(crc32(text)), CHECK_DIGITS);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = BASE62[Number(rest % 62n)] + text;
  return text;
}

const STEP_MS = 60_000;

/** Stores the times of last use, accurate to a minute. Requests do not wait for it. */
export interface Usage {
  /** Marks the key as used now. */
  mark(keyId: string): void;
  /** Resolves when all marks are stored. */
  close(): Promise<void>;
}

/** Creates a `Usage`. A mark that cannot be stored is reported to `onError`; the key is marked again a minute later. */
export function createUsage(pool: Pool, onError: (error: Error) => void): Usage {
  const marked = new Map<string, number>();
  const writes = new Set<Promise<void>>();

  return {
    mark(keyId) {
      const now = performance.now();
      const last = marked.get(keyId);
      if (last !== undefined && now - last < STEP_MS) return;
      marked.set(keyId, now);
      const write = markUsed(pool, keyId)
        .catch(onError)
        .finally(() => writes.delete(write));
      writes.add(write);
    },
    async close() {
      await Promise.all(writes);
    },
  };
}
