import { Prisma } from '../db/generated/client.ts';
import { prepared, preparedIfRoom } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { isEventId } from './event-id.ts';
import { columnsOf, eventOfRow, isVisible, READ_COLUMNS, type ReadRow } from './row.ts';
import { allOf, whereOf } from './where.ts';

/**
 * The events of those ids, in their order; null in place of one that is not there or that the filters do not let through.
 * Of `fields` alone, and what `columnsOf` adds to them, if they are given.
 */
export async function readEvents(
  db: Reads,
  ids: readonly string[],
  filters: readonly EventFilter[],
  fields?: ReadonlySet<string>,
): Promise<(AuditEvent | null)[]> {
  // Of another form there are none, and some texts the database would not even take.
  const wanted = ids.filter(isEventId);
  if (wanted.length === 0) return ids.map(() => null);
  const where = allOf([whereOf(filters), Prisma.sql`id = ANY(${wanted}::text[])`]);
  const rows = await db.$queryRaw<ReadRow[]>(
    preparedIfRoom(Prisma.sql`SELECT ${columnsOf(fields)} FROM audit_events WHERE ${where}`),
  );
  const found = new Map(rows.filter(isVisible).map((row) => [row.id, eventOfRow(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

/** The events at those positions that are still there and that the filters let through, by position. */
export async function readPositions(
  db: Reads,
  positions: readonly number[],
  filters: readonly EventFilter[] = [],
): Promise<Map<number, AuditEvent>> {
  if (positions.length === 0) return new Map();
  // With bounds the other segments are left out, which are not known when the statement is prepared.
  const isOne = Prisma.sql`position = ANY(${positions}::bigint[])
    AND position >= ${Math.min(...positions)} AND position <= ${Math.max(...positions)}`;
  const where = allOf([whereOf(filters), isOne]);
  const rows = await db.$queryRaw<ReadRow[]>(
    prepared(Prisma.sql`SELECT ${READ_COLUMNS} FROM audit_events WHERE ${where}`),
  );
  return new Map(rows.filter(isVisible).map((row) => [row.position, eventOfRow(row)]));
}

/**
 * Up to `limit` matching events from position `start` (inclusive) to `end` (exclusive), in log order. Of a range that
 * begins before the log does, some may be left out.
 */
export async function readRange(
  db: Reads,
  range: { start: number; end: number; limit: number; filters: readonly EventFilter[] },
): Promise<AuditEvent[]> {
  const { start, end, limit, filters } = range;
  const where = allOf([whereOf(filters), Prisma.sql`position >= ${start} AND position < ${end}`]);
  const rows = await db.$queryRaw<ReadRow[]>(
    Prisma.sql`SELECT ${READ_COLUMNS} FROM audit_events WHERE ${where} ORDER BY audit_events.position LIMIT ${limit}`,
  );
  return rows.filter(isVisible).map((row) => eventOfRow(row));
}

/**
 * Up to `limit` events from position `start` to `end`, the last left out, in log order. Prepared once: there is one way to
 * read them, whatever the positions, and planning it would take longer than reading.
 */
export async function readTail(db: Reads, start: number, end: number, limit: number): Promise<AuditEvent[]> {
  const rows = await db.$queryRaw<ReadRow[]>(
    prepared(Prisma.sql`SELECT ${READ_COLUMNS} FROM audit_events WHERE position >= ${start} AND position < ${end}
      ORDER BY audit_events.position LIMIT ${limit}`),
  );
  return rows.filter(isVisible).map((row) => eventOfRow(row));
}
