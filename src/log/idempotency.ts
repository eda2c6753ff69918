import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import type { PreparedEvent } from './prepare.ts';

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
      return [nameOfKey(row), { position, hadContent }];
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
export function nameOfKey({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify([scope, key]);
}
