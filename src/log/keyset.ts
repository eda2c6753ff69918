import type { PageRequest } from './list.ts';
import { addCondition, type Where } from './where.ts';

/** Adds the condition that an event lies behind the page's cursor, or between its two, and not before the log begins. */
export function addKeyset(where: Where, { order, after, before, first }: PageRequest): void {
  if (first !== undefined) addCondition(where, 'position >= ?', first);
  const isAscending = order.endsWith('ASC');
  for (const [cursor, comparison] of [
    [after, isAscending ? '>' : '<'],
    [before, isAscending ? '<' : '>'],
  ] as const) {
    if (!cursor) continue;
    if (order.startsWith('POSITION')) {
      addCondition(where, `position ${comparison} ?`, cursor.position);
    } else {
      where.parameters.push(new Date(cursor.timestamp), cursor.position);
      const count = where.parameters.length;
      where.sql += ` AND ("timestamp", position) ${comparison} ($${count - 1}::timestamptz, $${count})`;
    }
  }
}

/** The order in which the rows of a page are read: from its last event for one that is read backward. */
export function orderOf(page: PageRequest): string {
  const direction = isAscending(page) ? 'ASC' : 'DESC';
  return page.order.startsWith('TIMESTAMP')
    ? `ORDER BY "timestamp" ${direction}, position ${direction}`
    : `ORDER BY position ${direction}`;
}

/** Whether the rows of a page are read from the lowest on. */
export function isAscending({ order, isBackward }: PageRequest): boolean {
  return order.endsWith('ASC') !== isBackward;
}

/** The rows of the page, and one more, which says whether there are more. */
export function limitOf({ limit, offset = 0 }: PageRequest): string {
  return `LIMIT ${limit + 1} OFFSET ${offset}`;
}
