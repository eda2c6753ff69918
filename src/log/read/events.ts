import { Prisma } from '../../db/generated/client.ts';
import { prepared, preparedIfRoom, type Reads } from '../../db/queries.ts';
import { AuditError } from '../../errors.ts';
import { isEventId } from '../../events/event-id.ts';
import type { AuditEvent } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { allOf, whereOf } from './filter-sql.ts';
import { keysetOf, limitOf, orderOf, type PageRequest, queryPage } from './keyset.ts';
import { columnsOf, eventOfRow, isVisible, READ_COLUMNS, type ReadRow } from './row.ts';
import { isSearch, searchRows } from './search.ts';

const ATTEMPTS = 4;

/** The events in the order asked for, and whether there are more beyond either end. */
export interface Page {
  events: AuditEvent[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** Reads one page by keyset: stable while others write. */
export async function listEvents(db: Reads, page: PageRequest): Promise<Page> {
  const { limit, isBackward } = page;
  const rows = await readVisible(db, page);
  const hasMore = rows.length > limit;
  const events = rows.slice(0, limit).map((row) => eventOfRow(row));
  if (isBackward) events.reverse();
  return {
    events,
    hasNextPage: isBackward ? page.before !== undefined : hasMore,
    hasPreviousPage: isBackward ? hasMore : page.after !== undefined || (page.offset ?? 0) > 0,
  };
}

/**
 * Reads the rows of a page. While the rows that a purge has announced are still stored, a page that meets them is read
 * again without them; otherwise where the log begins is no condition, which would mislead the planner.
 */
async function readVisible(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  let first: number | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const asked = { ...page, first };
    const rows = asked.filters.some(isSearch) ? await searchRows(db, asked) : await readRows(db, asked);
    if (rows.every(isVisible)) return rows;
    first = Math.max(...rows.map(({ first_position }) => first_position));
  }
  throw new AuditError('UNAVAILABLE', 'events are being removed: retry');
}

async function readRows(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  const where = allOf([whereOf(page.filters), ...keysetOf(page)]);
  return queryPage(
    db,
    page,
    Prisma.sql`SELECT ${columnsOf(page.fields)} FROM audit_events WHERE ${where} ${orderOf(page)} ${limitOf(page)}`,
  );
}

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
