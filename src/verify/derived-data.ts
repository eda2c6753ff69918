import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { streamRows } from '../db/bulk-read.ts';
import { parseTimestamp } from '../db/client-with-deadlines.ts';
import { Prisma, type PrismaClient } from '../db/generated/client.ts';
import { prismaWithin } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { canonicalDraft, canonicalObjects } from '../events/canonical.ts';
import type { EventRecord } from '../events/fields.ts';
import { saltedHash } from '../log/append/idempotency.ts';
import { EVENT_COLUMNS, type EventRow, eventOfRow } from '../log/read/row.ts';
import { COUNTED_COLUMNS, COUNTER_COLUMNS, ROLLUP_KEY, rollupRowsOf } from '../log/summary/rollups.ts';
import type { Findings } from './findings.ts';
import { objectsOf } from './rows.ts';

/** Checks that each idempotency key belongs to an event of a log of `size` events, and each event to at most one key. */
export async function checkIdempotencyKeys(
  prisma: PrismaClient,
  size: number,
  findings: Findings,
): Promise<void> {
  const outside = await prisma.idempotencyKey.aggregate({
    where: { OR: [{ position: { lt: 0 } }, { position: { gte: size } }] },
    _min: { position: true },
    _count: true,
  });
  const { position } = outside._min;
  addKeyFinding(
    findings,
    { position: position === null ? null : Number(position), count: outside._count },
    'an idempotency key names a position that the log never had',
  );
  const [shared] = await prisma.$queryRaw<FoundKeys[]>`
    SELECT min(position)::float8 AS position, count(*)::float8 AS count FROM (
      SELECT position FROM idempotency_keys GROUP BY position HAVING count(*) > 1) AS shared`;
  addKeyFinding(findings, shared, 'an event has two idempotency keys');
}

/**
 * Compares the idempotency keys with the events, which must already be verified: every event whose salt says so has a key,
 * the others have none, and the content hash of a key is that of its event and the key. Keys of purged events cannot be
 * compared.
 */
export async function checkIdempotencyKeysOfEvents(client: PoolClient, findings: Findings): Promise<void> {
  const prisma = prismaWithin(client);
  const [missing] = await prisma.$queryRaw<FoundKeys[]>`
    SELECT min(position)::float8 AS position, count(*)::float8 AS count
    FROM audit_events AS event, idempotency_bounds
    WHERE position >= greatest(marked_from, ended_before) AND get_byte(salt, 15) % 2 = 1
      AND NOT EXISTS (SELECT FROM idempotency_keys AS known WHERE known.position = event.position)`;
  addKeyFinding(findings, missing, 'the idempotency key of an event is missing');
  const [bounds] = await prisma.$queryRaw<FoundKeys[]>`
    SELECT greatest(marked_from, ended_before)::float8 AS position, 1 AS count FROM idempotency_bounds CROSS JOIN log_head
    WHERE marked_from < 0 OR ended_before < 0 OR greatest(marked_from, ended_before) > size
    UNION ALL SELECT 0, 1 WHERE NOT EXISTS (SELECT FROM idempotency_bounds)`;
  addKeyFinding(findings, bounds, 'the bounds of ended idempotency keys are impossible');
  const wrong = { position: null as number | null, count: 0 };
  for await (const row of streamKeys(client)) {
    if (isKeyOfEvent(row)) continue;
    wrong.position ??= row.position;
    wrong.count += 1;
  }
  addKeyFinding(findings, wrong, 'an idempotency key is not the one that its event was recorded with');
}

type KeyRow = EventRow & { scope: string; key: string; content_hash: Buffer; is_marked: boolean };

// In log order: PostgreSQL sorts the keys on disk and reads the events by their index.
function streamKeys(client: PoolClient): AsyncGenerator<KeyRow, void> {
  const sql = `SELECT ${EVENT_COLUMNS}, scope, key, content_hash, position >= marked_from AS is_marked
    FROM idempotency_keys JOIN audit_events USING (position) CROSS JOIN idempotency_bounds ORDER BY audit_events.position`;
  return streamRows<KeyRow>(client, { sql, size: 1_000 });
}

function isKeyOfEvent(row: KeyRow): boolean {
  const event = eventOfRow(row, objectsOf(row));
  const salt = Buffer.from(event.salt, 'hex');
  if (row.scope !== (event.customerId ?? '')) return false;
  if (row.is_marked && salt.readUInt8(salt.length - 1) % 2 === 0) return false;
  // The content of an event that was sent without a time contains no time.
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

interface FoundKeys {
  position: number | null;
  count: number;
}

function addKeyFinding(findings: Findings, found: FoundKeys | undefined, message: string): void {
  if (!found || found.position === null) return;
  findings.add({ kind: 'idempotency key', message: `${message} (position ${found.position})` }, found.count);
}

// Counts by day exist only for a customer's busy months. A purge subtracts rows before the first position from the counts,
// and removes the rows later.
const EXPECTED_COUNTS = `${rollupRowsOf(eventsOf("'log'"), 'log')}
  UNION ALL
  SELECT fresh.* FROM (${rollupRowsOf(eventsOf("'customer/' || customer_id"), 'customer')}) AS fresh
    JOIN summary_scopes USING (scope)
    WHERE level = 'month' OR date_trunc('month', bucket, 'UTC') = ANY (daily_months)`;

function eventsOf(scope: string): string {
  return `SELECT scope, ${COUNTED_COLUMNS} FROM audit_events JOIN summary_scopes ON scope = ${scope} AND position < counted
    WHERE position >= (SELECT first_position FROM log_head)`;
}

const TALLIES = COUNTER_COLUMNS.join(', ');

// PostgreSQL counts in one pass over the events, and sorts on disk what does not fit into memory.
const WRONG_COUNTS =
  Prisma.raw(`SELECT scope, level, bucket::text AS start, expected.total::float8 AS expected,
    stored.total::float8 AS stored, (count(*) OVER ())::float8 AS count
  FROM (${EXPECTED_COUNTS}) AS expected
    FULL JOIN (SELECT ${ROLLUP_KEY.join(', ')}, ${TALLIES} FROM summary_counts) AS stored USING (${ROLLUP_KEY.join(', ')})
  WHERE (${COUNTER_COLUMNS.map((column) => `expected.${column}`).join(', ')})
    IS DISTINCT FROM (${COUNTER_COLUMNS.map((column) => `stored.${column}`).join(', ')})
  ORDER BY scope, level, bucket, event_type LIMIT 1`);

interface WrongCount {
  scope: string;
  level: string;
  /** The beginning of the bucket, as PostgreSQL prints it. */
  start: string;
  expected: number | null;
  stored: number | null;
  /** The number of wrong counts, of which this is the first. */
  count: number;
}

/**
 * Counts the events again, up to the position up to which they are counted, and compares the result with the counts behind
 * summaries. The events must already be verified.
 */
export async function checkSummaries(db: Reads, findings: Findings): Promise<void> {
  await checkScopes(db, findings);
  const [wrong] = await db.$queryRaw<WrongCount[]>(WRONG_COUNTS);
  if (!wrong) return;
  const startMs = parseTimestamp(wrong.start);
  const start = Number.isFinite(startMs) ? new Date(startMs).toISOString() : 'an unknown time';
  const message =
    wrong.stored === wrong.expected
      ? `the counts of the ${wrong.level} from ${start} of "${wrong.scope}" are not those of its events`
      : `${wrong.stored ?? 0} events are counted in the ${wrong.level} from ${start} of "${wrong.scope}", and there are ${wrong.expected ?? 0}`;
  findings.add({ kind: 'summary', message }, wrong.count);
}

// The counted position, and the range of times: a summary leaves out events outside of them.
async function checkScopes(db: Reads, findings: Findings): Promise<void> {
  const [wrong] = await db.$queryRaw<{ scope: string; count: number }[]>(
    Prisma.sql`SELECT scope, (count(*) OVER ())::float8 AS count FROM summary_scopes CROSS JOIN log_head
     WHERE counted < 0 OR counted > size OR (scope = 'log' AND EXISTS (
       SELECT FROM audit_events
       WHERE position >= first_position AND position < counted AND ("timestamp" < earliest OR "timestamp" > latest)))
       OR (scope <> 'log' AND (earliest IS NOT NULL OR latest IS NOT NULL OR scope NOT LIKE 'customer/%'))
     UNION ALL
     SELECT 'log', 1 WHERE NOT EXISTS (SELECT FROM summary_scopes WHERE scope = 'log')
     ORDER BY 1 LIMIT 1`,
  );
  if (wrong)
    findings.add(
      {
        kind: 'summary',
        message: `the counted position or the range of times of "${wrong.scope}" is impossible`,
      },
      wrong.count,
    );
}
