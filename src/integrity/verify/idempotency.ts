import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { streamRows } from '../../db/stream.ts';
import { canonicalDraft, canonicalObjects } from '../../events/canonical.ts';
import type { EventRecord } from '../../events/event.ts';
import { saltedHash } from '../../log/idempotency.ts';
import { EVENT_COLUMNS, eventOfRow } from '../../log/row.ts';
import type { Findings } from './findings.ts';
import { objectsOf, type StoredRow } from './row.ts';

/** Checks that idempotency keys name events of a log of `size` events, each no more than one. */
export async function checkKeys(client: PoolClient, size: number, findings: Findings): Promise<void> {
  const outside = await client.query<Found>(
    'SELECT min(position) AS position, count(*) AS count FROM idempotency_keys WHERE position < 0 OR position >= $1',
    [size],
  );
  add(findings, outside.rows[0], 'an idempotency key is of an event that the log never had');
  const shared = await client.query<Found>(
    `SELECT min(position) AS position, count(*) AS count FROM (
       SELECT position FROM idempotency_keys GROUP BY position HAVING count(*) > 1) AS shared`,
  );
  add(findings, shared.rows[0], 'an event has two idempotency keys');
}

/**
 * Compares the idempotency keys with the events, which have to be known to be right: that a key is there for every event
 * whose salt says so, that there is none for the others, and that what is stored beside a key is of its event's content
 * and of the key itself. Keys of events that were purged cannot be compared with anything.
 */
export async function checkKeysOfEvents(client: PoolClient, findings: Findings): Promise<void> {
  const missing = await client.query<Found>(
    `SELECT min(position) AS position, count(*) AS count
     FROM audit_events AS event, idempotency_bounds
     WHERE position >= greatest(marked_from, ended_before) AND get_byte(salt, 15) % 2 = 1
       AND NOT EXISTS (SELECT FROM idempotency_keys AS known WHERE known.position = event.position)`,
  );
  add(findings, missing.rows[0], 'the idempotency key of an event is missing');
  const bounds = await client.query<Found>(
    `SELECT greatest(marked_from, ended_before) AS position, 1 AS count FROM idempotency_bounds CROSS JOIN log_head
     WHERE marked_from < 0 OR ended_before < 0 OR greatest(marked_from, ended_before) > size
     UNION ALL SELECT 0, 1 WHERE NOT EXISTS (SELECT FROM idempotency_bounds)`,
  );
  add(findings, bounds.rows[0], 'how far idempotency keys were ended cannot be');
  const wrong = { position: null as number | null, count: 0 };
  for await (const row of streamKeys(client)) {
    if (isRight(row)) continue;
    wrong.position ??= row.position;
    wrong.count += 1;
  }
  add(findings, wrong, 'an idempotency key is not the one that its event was recorded with');
}

type KeyRow = StoredRow & { scope: string; key: string; content_hash: Buffer; is_marked: boolean };

// In the order of the log, which PostgreSQL sorts by on disk; the rows of the log are read by its index beside it.
function streamKeys(client: PoolClient): AsyncGenerator<KeyRow, void> {
  const sql = `SELECT ${EVENT_COLUMNS.sql}, scope, key, content_hash, position >= marked_from AS is_marked
    FROM idempotency_keys JOIN audit_events USING (position) CROSS JOIN idempotency_bounds ORDER BY audit_events.position`;
  return streamRows<KeyRow>(client, { sql, size: 1_000 });
}

function isRight(row: KeyRow): boolean {
  const event = eventOfRow(row, objectsOf(row));
  const salt = Buffer.from(event.salt, 'hex');
  if (row.scope !== (event.customerId ?? '')) return false;
  if (row.is_marked && salt.readUInt8(salt.length - 1) % 2 === 0) return false;
  // Of an event that was recorded without a time, the content has none either.
  return [undefined, event.timestamp].some((timestamp) =>
    row.content_hash.equals(saltedHash(salt, contentHash(event, { timestamp, idempotencyKey: row.key }))),
  );
}

function contentHash(
  event: EventRecord,
  given: { timestamp: number | undefined; idempotencyKey: string },
): string {
  return createHash('sha256')
    .update(canonicalDraft({ ...event, ...given }, canonicalObjects(event)))
    .digest('hex');
}

interface Found {
  position: number | null;
  count: number;
}

function add(findings: Findings, found: Found | undefined, message: string): void {
  if (!found || found.position === null) return;
  findings.add({ kind: 'idempotency key', message: `${message} (position ${found.position})` }, found.count);
}
