import type { PoolClient } from 'pg';
import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import type { PreparedEvent } from './prepare.ts';

/** What the log knows of a key: the position of its first event and the hash of that event's content. */
export interface KnownKey {
  position: number;
  contentHash: string;
}

/** The known keys by `nameOfKey`. */
export type KnownKeys = Map<string, KnownKey>;

/**
 * Looks up the keys of the events, in one statement; each by the index: as a join, PostgreSQL would rather read all of up to
 * a hundred thousand keys that there are.
 */
export async function lookUpKeys(db: Pool | PoolClient, events: PreparedEvent[]): Promise<KnownKeys> {
  const keys = events.flatMap((event) => (event.idempotency ? [event.idempotency] : []));
  if (keys.length === 0) return new Map();
  const { rows } = await db.query<{ scope: string; key: string; content_hash: Buffer; position: number }>(
    `SELECT known.* FROM unnest($1::text[], $2::text[]) AS wanted (scope, key), LATERAL (
       SELECT scope, key, content_hash, position FROM idempotency_keys
       WHERE (idempotency_keys.scope, idempotency_keys.key) = (wanted.scope, wanted.key) LIMIT 1) AS known`,
    [keys.map((key) => key.scope), keys.map((key) => key.key)],
  );
  return new Map(
    rows.map((row) => [
      nameOfKey(row),
      { position: row.position, contentHash: row.content_hash.toString('hex') },
    ]),
  );
}

/** The position of the first event with the key of this one; throws CONFLICT when its content was another. */
export function positionOfDuplicate(event: PreparedEvent, first: KnownKey, path: string): number {
  if (first.contentHash !== event.idempotency?.contentHash) {
    throw new AuditError(
      'CONFLICT',
      'was used before for an event with other content',
      `${path}.idempotencyKey`,
    );
  }
  return first.position;
}

/** One text for scope and key together. */
export function nameOfKey({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify([scope, key]);
}
