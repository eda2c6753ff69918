import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { timeOn } from '../db/clock.ts';
import type { ApiKeyModel, ApiKeyWhereInput } from '../db/generated/models.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Scope } from './principal.ts';

/** Notified, with the id, when a key is revoked. */
export const KEYS_CHANNEL = 'audit_log_keys';

/** An API key without its secret, of which only a hash is kept. Times are milliseconds since 1970. */
export interface ApiKey {
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** How often its secret was replaced by another: the admin's alone ever is. */
  generation: number;
  /** Bound to this customer's events; undefined: to none. */
  customerId: string | undefined;
  createdAt: number;
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  /** To the minute. */
  lastUsedAt: number | undefined;
}

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

/** The keys with secrets of these hashes, by hash in hex; those that are unknown, expired or revoked are left out. */
export async function findKeys(pool: Pool, hashes: readonly Buffer[]): Promise<Map<string, ApiKey>> {
  const rows = await prismaOn(pool).apiKey.findMany({
    where: { secretHash: { in: hashes.map((hash) => new Uint8Array(hash)) }, ...isValid(pool) },
  });
  return new Map(rows.map((row) => [Buffer.from(row.secretHash).toString('hex'), keyOf(row)]));
}

/** All keys, newest first, revoked and expired ones too. */
export async function listKeys(pool: Pool): Promise<ApiKey[]> {
  const rows = await prismaOn(pool).apiKey.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'asc' }] });
  return rows.map(keyOf);
}

/** Revokes the key for ever, tells every instance, and returns it; undefined when there is none of that id. */
export async function markRevoked(pool: Pool, id: string): Promise<ApiKey | undefined> {
  return prismaOn(pool).$transaction(async (prisma) => {
    await prisma.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
    const row = await prisma.apiKey.findUnique({ where: { id } });
    if (!row) return undefined;
    await prisma.$executeRaw`SELECT pg_notify(${KEYS_CHANNEL}, ${id})`;
    return keyOf(row);
  });
}

/** Sets the time of last use to now, unless it is less than a minute ago. The service's role may set no other time. */
export async function markUsed(pool: Pool, id: string): Promise<void> {
  await pool.query('SELECT mark_key_used($1)', [id]);
}

/** Those of the ids whose keys are neither revoked nor expired, each with the generation of its secret. */
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

// By the database's clock: a key that has expired must not be valid again when this machine's clock goes back.
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
 * A new secret for a key: `aul_`, 32 random bytes as 43 digits in base 62, and the CRC-32 of all before it as 6 more, so
 * that a scanner tells a leaked secret from other text without asking anybody (as with GitHub's tokens).
 */
export function createSecret(): string {
  const random = BigInt(`0x${randomBytes(32).toString('hex')}`);
  const text = SECRET_PREFIX + base62(random, RANDOM_DIGITS);
  return text + checksumOf(text);
}

/** Whether the text has the shape of our secrets but a wrong checksum: nobody was ever given it. */
export function isMistyped(secret: string): boolean {
  return (
    SECRET_SHAPE.test(secret) && secret.slice(-CHECK_DIGITS) !== checksumOf(secret.slice(0, -CHECK_DIGITS))
  );
}

/**
 * What is stored of a secret: its SHA-256. One round of a fast hash is right here: the secret is 256 random bits, not a
 * password that somebody chose, so there is nothing to guess that a slow hash would make dearer.
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

/** Keeps the times of last use, to the minute, off the path of requests. */
export interface Usage {
  /** The key is being used. */
  mark(keyId: string): void;
  /** Resolves when what was marked is stored. */
  close(): Promise<void>;
}

/** Makes the keeper on a pool; what cannot be stored is reported to `onError` and marked again a minute later. */
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
