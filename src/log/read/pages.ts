import { Prisma } from '../../db/generated/client.ts';
import { preparedIfRoom, type Reads } from '../../db/queries.ts';
import type { EventFilter } from '../../events/filter.ts';
import type { Cursor } from './cursor.ts';
import { sqlTime } from './filter-sql.ts';
import type { ReadRow } from './row.ts';

const { sql } = Prisma;

/** The number of events of a page: by default, and at most. */
export const PAGE_SIZE = { usual: 100, most: 1_000 };
/** The largest `offset`: the skipped events are read too. */
export const MAX_OFFSET = 10_000;

export const EVENT_ORDERS = ['TIMESTAMP_DESC', 'TIMESTAMP_ASC', 'POSITION_DESC', 'POSITION_ASC'] as const;
export type EventOrder = (typeof EVENT_ORDERS)[number];

/** One page of a list, read forward from `after` or backward from `before`, both exclusive. */
export interface PageRequest {
  /** The fields to read, in addition to id, position and timestamp. Undefined: all. */
  fields?: ReadonlySet<string> | undefined;
  filters: readonly EventFilter[];
  order: EventOrder;
  limit: number;
  /** True: the last `limit` events before the end or `before`. */
  isBackward: boolean;
  after?: Cursor | undefined;
  before?: Cursor | undefined;
  offset?: number | undefined;
  /** Leaves out events before this position. Set to the first position of the log when purged rows are still stored. */
  first?: number | undefined;
}

/** The conditions that an event lies after the page's cursor, or between its two, and not before `first`. */
export function keysetOf({ order, after, before, first }: PageRequest): Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  if (first !== undefined) conditions.push(sql`position >= ${first}`);
  const isAscending = order.endsWith('ASC');
  for (const [cursor, comparison] of [
    [after, isAscending ? ABOVE : BELOW],
    [before, isAscending ? BELOW : ABOVE],
  ] as const) {
    if (!cursor) continue;
    const { timestamp, position } = cursor;
    conditions.push(
      order.startsWith('POSITION')
        ? sql`position ${comparison} ${position}`
        : sql`("timestamp", position) ${comparison} (${sqlTime(timestamp)}::timestamptz, ${position})`,
    );
  }
  return conditions;
}

const ABOVE = sql`>`;
const BELOW = sql`<`;

/**
 * The order in which the rows of a page are read, which is reversed for a backward page. It names the columns of the table:
 * selected expressions have the same names and would be sorted as text.
 */
export function orderOf(page: PageRequest): Prisma.Sql {
  const direction = isAscending(page) ? sql`ASC` : sql`DESC`;
  return page.order.startsWith('TIMESTAMP')
    ? sql`ORDER BY audit_events."timestamp" ${direction}, audit_events.position ${direction}`
    : sql`ORDER BY audit_events.position ${direction}`;
}

/** Whether the rows of a page are read in ascending order. */
export function isAscending({ order, isBackward }: PageRequest): boolean {
  return order.endsWith('ASC') !== isBackward;
}

/**
 * The limit of a page, plus one row that tells whether more follow. As parameters, since for a prepared statement PostgreSQL
 * then uses the index with the order; with literal numbers it may sort all matching rows.
 */
export function limitOf({ limit, offset = 0 }: PageRequest): Prisma.Sql {
  return sql`LIMIT ${limit + 1} OFFSET ${offset}`;
}

/** The conditions of a filter that an index with the order of the page can serve. */
export function orderedConditions({ customerId, userId, startTime, endTime }: EventFilter): EventFilter {
  return {
    ...(customerId !== undefined && { customerId }),
    ...(userId !== undefined && { userId }),
    ...(startTime !== undefined && { startTime }),
    ...(endTime !== undefined && { endTime }),
  };
}

/** Runs the statement of a page. It is prepared when its best plan does not depend on the values. */
export function queryPage(db: Reads, page: PageRequest, sql: Prisma.Sql): Promise<ReadRow[]> {
  return db.$queryRaw(hasOneIndex(page) ? preparedIfRoom(sql) : sql);
}

/**
 * Whether one index has exactly the matching events in the order of the page: it is then the best plan for all values. For
 * several fields the best index depends on the values, so PostgreSQL has to plan with them.
 */
function hasOneIndex({ filters, order, first }: PageRequest): boolean {
  // The value of `first` decides which segments are skipped.
  if (first !== undefined) return false;
  const fields = new Set(filters.flatMap((filter) => Object.keys(filter)));
  if (!order.startsWith('TIMESTAMP')) return fields.size === 0;
  fields.delete('startTime');
  fields.delete('endTime');
  return fields.size === 0 || (fields.size === 1 && (fields.has('customerId') || fields.has('userId')));
}
