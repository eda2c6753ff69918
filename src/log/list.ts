import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queryable.ts';
import { AuditError } from '../errors.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Cursor } from './cursor.ts';
import { keysetOf, limitOf, orderOf } from './keyset.ts';
import { queryPage } from './one-way.ts';
import { columnsOf, eventOfRow, FIRST_POSITION, isVisible, type ReadRow } from './row.ts';
import { isSearch, searchRows } from './search.ts';
import { aggregateVisible } from './visible.ts';
import { allOf, whereOf } from './where.ts';

const ATTEMPTS = 4;

export const EVENT_ORDERS = ['TIMESTAMP_DESC', 'TIMESTAMP_ASC', 'POSITION_DESC', 'POSITION_ASC'] as const;
export type EventOrder = (typeof EVENT_ORDERS)[number];

/** One page of a list, read forward from `after` or backward from `before`, both exclusive. */
export interface PageRequest {
  /** The fields that are read, beside position and timestamp: the events have no others. Undefined: all. */
  fields?: ReadonlySet<string> | undefined;
  filters: readonly EventFilter[];
  order: EventOrder;
  limit: number;
  /** True: the last `limit` events before the end or `before`. */
  isBackward: boolean;
  after?: Cursor | undefined;
  before?: Cursor | undefined;
  offset?: number | undefined;
  /** Events before this position are left out: where the log begins, when there are rows before it. */
  first?: number | undefined;
}

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

/** How many events match. */
export async function countEvents(db: Reads, filters: readonly EventFilter[]): Promise<number> {
  const rows = await aggregateVisible<{ count: number }>(
    db,
    filters,
    (where) =>
      Prisma.sql`SELECT count(*)::float8 AS count, ${FIRST_POSITION} FROM audit_events WHERE ${where}`,
  );
  return rows[0]?.count ?? 0;
}
