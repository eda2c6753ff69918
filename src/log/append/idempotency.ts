import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { createLease } from '../../db/lease.ts';
import type { Pool } from '../../db/pool.ts';
import { AuditError } from '../../errors.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** What the log knows of a key. */
export interface KnownKey {
  /** The position of its first event. */
  position: number;
  /** Whether that event had the content with this hash (SHA-256 in hex); of an event that was purged it is not known. */
  hadContent: (contentHash: string) => boolean | undefined;
}

/** The known keys by `nameOfKey`. */
export type KnownKeys = Map<string, KnownKey>;

/**
 * Looks up the keys of the events, and the salts of the events that had them first, in one statement; each by the index:
 * as a join, PostgreSQL would rather read all of up to a hundred thousand keys that there are.
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
  /** Of the event; null when it was purged. */
  salt: Buffer | null;
}

/**
 * What is stored of an event's content beside its key: without the event's salt, which a purge removes with the event,
 * it cannot be compared with anything. The function `keep_keys` of the database makes the same.
 */
export function saltedHash(salt: Uint8Array, contentHash: string): Buffer {
  return createHash('sha256').update(salt).update(contentHash, 'hex').digest();
}

/**
 * The position of the first event with the key of this one; throws CONFLICT when its content was another. Of one that was
 * purged nobody knows the content any more: the key was used, and nothing is recorded.
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

/** One text for scope and key together. */
export function keyName({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify([scope, key]);
}

const FIRST_MS = 60_000;
const EVERY_MS = 86_400_000;
const RETRY_MS = 600_000;
/** Blocks of the table that one transaction looks through: some 4,000 keys. */
const BLOCKS_AT_ONCE = 64;
const PAUSE_MS = 20;

/** The policy that ends idempotency keys. */
export interface KeyExpiry {
  /** Starts nothing more; resolves when the batch under way is done. */
  close(): Promise<void>;
}

export interface KeyExpiryOptions {
  /** Of the owner: the service's role may remove no key. */
  owner: Pool;
  /** How long a key is known at least, by the clock of the database. */
  days: number;
  onError: (error: Error) => void;
}

/**
 * Ends the keys of events that were signed more than `days` ago, in small transactions, until `stop` is aborted; returns
 * how many those were. An event that comes with an ended key is recorded again. The bound is committed first, so that no
 * verification misses a key that was ended.
 */
export async function expireKeys(owner: Pool, days: number, stop?: AbortSignal): Promise<number> {
  await owner.query('SELECT move_keys_bound($1)', [days]);
  let ended = 0;
  for (let block = 0; !stop?.aborted; block += BLOCKS_AT_ONCE) {
    const { rows } = await owner.query<{ count: number | null }>('SELECT end_keys($1, $2) AS count', [
      block,
      BLOCKS_AT_ONCE,
    ]);
    const count = rows[0]?.count ?? null;
    if (count === null) break;
    ended += count;
    // Appends go first.
    if (count > 0) await setTimeout(PAUSE_MS, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
  return ended;
}

/** Ends keys a minute after the start and then daily, on one instance at a time; after an error, ten minutes later. */
export function startKeyExpiry({ owner, days, onError }: KeyExpiryOptions): KeyExpiry {
  const stopping = new AbortController();
  const turn = createLease(owner, 'audit_log.end_keys');

  async function loop(): Promise<void> {
    for (let waitMs = FIRST_MS; ; ) {
      // Jittered, so that instances that were started together do not ask the database together for ever.
      const jittered = waitMs * (0.5 + Math.random());
      await setTimeout(jittered, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      waitMs = EVERY_MS;
      try {
        if (await turn.acquire()) await expireKeys(owner, days, stopping.signal);
      } catch (error) {
        onError(error as Error);
        waitMs = RETRY_MS;
      } finally {
        await turn.release();
      }
    }
  }

  const running = loop();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}
