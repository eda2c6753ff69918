import { Prisma } from '../db/generated/client.ts';
import type { PageRequest } from './list.ts';
import { sqlTime } from './where.ts';

const { sql } = Prisma;

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
