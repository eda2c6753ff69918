import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { createLease } from '../../db/lease.ts';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { AuditError } from '../../errors.ts';
import { type PeriodicTask, startPeriodicTask } from '../periodic-task.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** The first use of an idempotency key. */
export interface KnownKey {
  /** The position of the first event with the key. */
  position: number;
  /** Whether that event had the content with this hash (SHA-256 in hex). Undefined: the event was purged. */
  hadContent: (contentHash: string) => boolean | undefined;
}

/** The known keys by `keyName`. */
export type KnownKeys = Map<string, KnownKey>;

/**
 * Looks up the keys of the events, with the salts of the events that used them first, in one statement. LATERAL makes
 * PostgreSQL use the index for each key: for a join it would read the whole table while that has up to 100,000 keys.
 */
export async function lookUpKeys(db: Pool | PoolClient, events: PreparedEvent[]): Promise<KnownKeys> {
  const keys = events.flatMap((event) => (event.idempotency ? [event.idempotency] : []));
  if (keys.length === 0) return new Map();
  const { rows } = await db.query<StoredKey>(
    `SELECT known.*, (SELECT salt FROM audit_events WHERE audit_events.position = known.position
       AND audit_events.position >= (SELECT first_position FROM log_head)) AS salt
     FROM unnest($1::text[], $2::text[]) AS wanted (scope, key), LATERAL (
       SELECT scope, key, content_hash, position FROM idempotency_keys
       WHERE (idempotency_keys.scope, idempotency_keys.key) = (wanted.scope, wanted.key) LIMIT 1) AS known`,
    [keys.map((key) => key.scope), keys.map((key) => key.key)],
  );
  return new Map(
    rows.map((row) => {
      const { position, salt } = row;
      const hadContent = (contentHash: string) =>
        salt === null ? undefined : row.content_hash.equals(saltedHash(salt, contentHash));
      return [keyName(row), { position, hadContent }];
    }),
  );
}

interface StoredKey {
  scope: string;
  key: string;
  content_hash: Buffer;
  position: number;
  /** The salt of the event. Null when the event was purged. */
  salt: Buffer | null;
}

/**
 * The hash of an event's content that is stored with its key. A purge removes the event and its salt, and without the salt
 * the hash can be compared with nothing. The SQL function `keep_keys` computes the same hash.
 */
export function saltedHash(salt: Uint8Array, contentHash: string): Buffer {
  return createHash('sha256').update(salt).update(contentHash, 'hex').digest();
}

/**
 * The position of the first event with the same key. Throws CONFLICT when that event had other content. The content of a
 * purged event is unknown: an event with its key counts as a duplicate and is not recorded.
 */
export function positionOfDuplicate(event: PreparedEvent, first: KnownKey, path: string): number {
  if (!mayBeSame(event, first)) {
    throw new AuditError(
      'CONFLICT',
      'was used before for an event with other content',
      `${path}.idempotencyKey`,
    );
  }
  return first.position;
}

function mayBeSame({ idempotency }: PreparedEvent, { hadContent }: KnownKey): boolean {
  if (hadContent(idempotency?.contentHash ?? '') !== false) return true;
  const formerHash = idempotency?.formerHash();
  return formerHash !== undefined && hadContent(formerHash) === true;
}

/** Scope and key as one string. */
export function keyName({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify([scope, key]);
}

const FIRST_MS = 60_000;
const EVERY_MS = 86_400_000;
const RETRY_MS = 600_000;
/** Blocks of the table that one transaction scans: about 4,000 keys. */
const BLOCKS_AT_ONCE = 64;
const PAUSE_MS = 20;

export interface KeyExpiryOptions {
  /** The owner's pool: the service's role may not remove keys. */
  owner: Pool;
  /** The number of days that a key is kept at least, by the clock of the database. */
  days: number;
  onError: (error: Error) => void;
}

/**
 * Removes the keys of events that were signed more than `days` ago, in small transactions, until `stop` is aborted. Returns
 * the number of removed keys. A later event with an expired key is recorded as new. The bound is committed first, so that
 * a verification does not report the removed keys as missing.
 */
export async function expireKeys(owner: Pool, days: number, stop?: AbortSignal): Promise<number> {
  const prisma = prismaOn(owner);
  await prisma.$executeRaw`SELECT move_keys_bound(${days})`;
  let removed = 0;
  for (let block = 0; !stop?.aborted; block += BLOCKS_AT_ONCE) {
    const [ended] = await prisma.$queryRaw<{ count: number | null }[]>`
      SELECT end_keys(${block}, ${BLOCKS_AT_ONCE})::float8 AS count`;
    const count = ended?.count ?? null;
    if (count === null) break;
    removed += count;
    // The pause lets appends go first.
    if (count > 0) await setTimeout(PAUSE_MS, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
  return removed;
}

/** Expires keys a minute after the start and then daily, on one instance at a time. Retries an error after ten minutes. */
export function startKeyExpiry({ owner, days, onError }: KeyExpiryOptions): PeriodicTask {
  const lease = createLease(owner, 'audit_log.end_keys');
  return startPeriodicTask(FIRST_MS, async (stop) => {
    try {
      if (await lease.acquire()) await expireKeys(owner, days, stop);
      return EVERY_MS;
    } catch (error) {
      onError(error as Error);
      return RETRY_MS;
    } finally {
      await lease.release();
    }
  });
}
