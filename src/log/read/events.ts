import { Prisma } from '../../db/generated/client.ts';
import { prepared, preparedIfRoom, type Reads } from '../../db/queries.ts';
import { AuditError } from '../../errors.ts';
import { isEventId } from '../../events/event-id.ts';
import type { AuditEvent } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readFirstPosition } from '../head.ts';
import { allOf, whereOf } from './filter-sql.ts';
import { keysetOf, limitOf, orderOf, type PageRequest, queryPage } from './pages.ts';
import { isVisible, type ReadRow, selectionOf } from './row.ts';
import { isSearch, searchRows } from './search.ts';

const ATTEMPTS = 4;
const ALL = selectionOf(undefined);

/**
 * A page of events in the requested order, and whether more follow or precede it. The events have the requested fields and
 * those that `selectionOf` adds.
 */
export interface Page {
  events: AuditEvent[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** Lists one page of events by keyset: pages stay stable while others write. */
export async function listEvents(db: Reads, page: PageRequest): Promise<Page> {
  const { limit, isBackward } = page;
  const rows = await readVisible(db, page);
  const hasMore = rows.length > limit;
  const events = selectionOf(page.fields).eventsOf(rows.slice(0, limit));
  if (isBackward) events.reverse();
  return {
    events,
    hasNextPage: isBackward ? page.before !== undefined : hasMore,
    hasPreviousPage: isBackward ? hasMore : page.after !== undefined || (page.offset ?? 0) > 0,
  };
}

/**
 * Reads the rows of a page. Rows that a purge has announced stay stored for a while: a page that has any is read again with
 * the first position as a condition. Without need that condition would mislead the planner.
 */
async function readVisible(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const first = attempt === 1 ? undefined : await readFirstPosition(db);
    const asked = { ...page, first };
    const rows = asked.filters.some(isSearch) ? await searchRows(db, asked) : await readRows(db, asked);
    if (rows.every(isVisible)) return rows;
  }
  throw new AuditError('UNAVAILABLE', 'events are being removed: retry');
}

async function readRows(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  const where = allOf([whereOf(page.filters), ...keysetOf(page)]);
  return queryPage(
    db,
    page,
    Prisma.sql`SELECT ${selectionOf(page.fields).columns} FROM audit_events WHERE ${where} ${orderOf(page)} ${limitOf(page)}`,
  );
}

/**
 * Reads the events with these ids, in their order. Null stands for an event that does not exist or does not match the filters.
 * With `fields`, the events have these fields and those that `selectionOf` adds.
 */
export async function readEvents(
  db: Reads,
  ids: readonly string[],
  filters: readonly EventFilter[],
  fields?: ReadonlySet<string>,
): Promise<(AuditEvent | null)[]> {
  // No event has an id of another form, and the database would refuse some texts.
  const wanted = ids.filter(isEventId);
  if (wanted.length === 0) return ids.map(() => null);
  const where = allOf([whereOf(filters), Prisma.sql`id = ANY(${wanted}::text[])`]);
  const { columns, eventsOf } = selectionOf(fields);
  const rows = await db.$queryRaw<ReadRow[]>(
    preparedIfRoom(Prisma.sql`SELECT ${columns} FROM audit_events WHERE ${where}`),
  );
  const found = new Map(eventsOf(rows).map((event) => [event.id, event]));
  return ids.map((id) => found.get(id) ?? null);
}

/** Reads the matching events at these positions, by position. Purged events are left out. */
export async function readPositions(
  db: Reads,
  positions: readonly number[],
  filters: readonly EventFilter[] = [],
): Promise<Map<number, AuditEvent>> {
  if (positions.length === 0) return new Map();
  // The bounds let PostgreSQL skip other segments: the positions are not known when it plans the prepared statement.
  const isOne = Prisma.sql`position = ANY(${positions}::bigint[])
    AND position >= ${Math.min(...positions)} AND position <= ${Math.max(...positions)}`;
  const where = allOf([whereOf(filters), isOne]);
  const rows = await db.$queryRaw<ReadRow[]>(
    prepared(Prisma.sql`SELECT ${ALL.columns} FROM audit_events WHERE ${where}`),
  );
  return new Map(ALL.eventsOf(rows).map((event) => [event.position, event]));
}

/**
 * Reads up to `limit` matching events from position `start` (inclusive) to `end` (exclusive), in log order. A range that
 * starts before the first position may return fewer.
 */
export async function readRange(
  db: Reads,
  range: { start: number; end: number; limit: number; filters: readonly EventFilter[] },
): Promise<AuditEvent[]> {
  const { start, end, limit, filters } = range;
  const where = allOf([whereOf(filters), Prisma.sql`position >= ${start} AND position < ${end}`]);
  const rows = await db.$queryRaw<ReadRow[]>(
    Prisma.sql`SELECT ${ALL.columns} FROM audit_events WHERE ${where} ORDER BY audit_events.position LIMIT ${limit}`,
  );
  return ALL.eventsOf(rows);
}

/**
 * Reads up to `limit` events from position `start` (inclusive) to `end` (exclusive), in log order. The statement is prepared:
 * the plan is the same for all positions, and planning would take longer than reading.
 */
export async function readTail(db: Reads, start: number, end: number, limit: number): Promise<AuditEvent[]> {
  const rows = await db.$queryRaw<ReadRow[]>(
    prepared(Prisma.sql`SELECT ${ALL.columns} FROM audit_events WHERE position >= ${start} AND position < ${end}
      ORDER BY audit_events.position LIMIT ${limit}`),
  );
  return ALL.eventsOf(rows);
}
