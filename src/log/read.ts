import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queryable.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { isEventId } from './event-id.ts';
import { eventOfRow, isVisible, READ_COLUMNS, type ReadRow } from './row.ts';
import { addCondition, whereOf } from './where.ts';

/** The events of those ids, in their order; null in place of one that is not there or that the filters do not let through. */
export async function readEvents(
  db: Queryable,
  ids: readonly string[],
  filters: readonly EventFilter[],
): Promise<(AuditEvent | null)[]> {
  // Of another form there are none, and some texts the database would not even take.
  const wanted = ids.filter(isEventId);
  if (wanted.length === 0) return ids.map(() => null);
  const where = whereOf(filters);
  addCondition(where, 'id = ANY(?)', wanted);
  const { rows } = await db.query<ReadRow>(
    `SELECT ${READ_COLUMNS} FROM audit_events WHERE ${where.sql}`,
    where.parameters,
  );
  const found = new Map(rows.filter(isVisible).map((row) => [row.id, eventOfRow(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

/** The events at those positions that are still there and that the filters let through, by position. */
export async function readPositions(
  db: Queryable,
  positions: readonly number[],
  filters: readonly EventFilter[] = [],
): Promise<Map<number, AuditEvent>> {
  const where = whereOf(filters);
  addCondition(where, 'position = ANY(?::bigint[])', positions);
  const { rows } = await db.query<ReadRow>(
    `SELECT ${READ_COLUMNS} FROM audit_events WHERE ${where.sql}`,
    where.parameters,
  );
  return new Map(rows.filter(isVisible).map((row) => [row.position, eventOfRow(row)]));
}

/**
 * Up to `limit` matching events from position `start` (inclusive) to `end` (exclusive), in log order. Of a range that
 * begins before the log does, some may be left out.
 */
export async function readRange(
  db: Queryable,
  range: { start: number; end: number; limit: number; filters: readonly EventFilter[] },
): Promise<AuditEvent[]> {
  const where = whereOf(range.filters);
  addCondition(where, 'position >= ?', range.start);
  addCondition(where, 'position < ?', range.end);
  const { rows } = await db.query<ReadRow>(
    `SELECT ${READ_COLUMNS} FROM audit_events WHERE ${where.sql} ORDER BY position LIMIT ${range.limit}`,
    where.parameters,
  );
  return rows.filter(isVisible).map(eventOfRow);
}

/**
 * Up to `limit` events from position `start` to `end`, the last left out, in log order. Prepared once: there is one way to
 * read them, whatever the positions, and planning it would take longer than reading.
 */
export async function readTail(pool: Pool, start: number, end: number, limit: number): Promise<AuditEvent[]> {
  const { rows } = await pool.query<ReadRow>({
    name: 'tail',
    text: `SELECT ${READ_COLUMNS} FROM audit_events WHERE position >= $1 AND position < $2 ORDER BY position LIMIT $3`,
    values: [start, end, limit],
  });
  return rows.filter(isVisible).map(eventOfRow);
}
