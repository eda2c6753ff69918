import { Prisma } from '../../db/generated/client.ts';
import { preparedIfRoom, type Reads } from '../../db/queries.ts';
import type { EventFilter } from '../../events/filter.ts';
import type { Cursor } from './cursor.ts';
import { sqlTime } from './filter-sql.ts';
import type { ReadRow } from './row.ts';

const { sql } = Prisma;

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

/** The conditions that an event lies behind the page's cursor, or between its two, and not before the log begins. */
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
 * The order in which the rows of a page are read: from its last event for one that is read backward. Of the table's
 * columns: what is selected may have their names, and would be sorted as text.
 */
export function orderOf(page: PageRequest): Prisma.Sql {
  const direction = isAscending(page) ? sql`ASC` : sql`DESC`;
  return page.order.startsWith('TIMESTAMP')
    ? sql`ORDER BY audit_events."timestamp" ${direction}, audit_events.position ${direction}`
    : sql`ORDER BY audit_events.position ${direction}`;
}

/** Whether the rows of a page are read from the lowest on. */
export function isAscending({ order, isBackward }: PageRequest): boolean {
  return order.endsWith('ASC') !== isBackward;
}

/**
 * The rows of the page, and one more, which says whether there are more. As parameters: of a prepared statement PostgreSQL
 * then takes the index that has the order, and with a number in the text it would rather sort all that match.
 */
export function limitOf({ limit, offset = 0 }: PageRequest): Prisma.Sql {
  return sql`LIMIT ${limit + 1} OFFSET ${offset}`;
}

/** Of a filter what goes with the order of a page: an index for anything else would be of no use there. */
export function orderedConditions({ customerId, userId, startTime, endTime }: EventFilter): EventFilter {
  return {
    ...(customerId !== undefined && { customerId }),
    ...(userId !== undefined && { userId }),
    ...(startTime !== undefined && { startTime }),
    ...(endTime !== undefined && { endTime }),
  };
}

/** Runs the statement of a page, which is prepared where its best plan does not depend on the values. */
export function queryPage(db: Reads, page: PageRequest, sql: Prisma.Sql): Promise<ReadRow[]> {
  return db.$queryRaw(hasOneIndex(page) ? preparedIfRoom(sql) : sql);
}

/**
 * Whether an index has the events that match, and no others, in the order of the page: then it is the best way whatever
 * the values. Of several fields, which index is the better one depends on the values, and PostgreSQL has to see them.
 */
function hasOneIndex({ filters, order, first }: PageRequest): boolean {
  // Where it begins decides which segments are left out.
  if (first !== undefined) return false;
  const fields = new Set(filters.flatMap((filter) => Object.keys(filter)));
  if (!order.startsWith('TIMESTAMP')) return fields.size === 0;
  fields.delete('startTime');
  fields.delete('endTime');
  return fields.size === 0 || (fields.size === 1 && (fields.has('customerId') || fields.has('userId')));
}
