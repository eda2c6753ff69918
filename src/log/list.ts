import type { Queryable } from '../db/queryable.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Cursor } from './cursor.ts';
import { EVENT_COLUMNS, type EventRow, eventOfRow } from './row.ts';
import { addCondition, type Where, whereOf } from './where.ts';

export const EVENT_ORDERS = ['TIMESTAMP_DESC', 'TIMESTAMP_ASC', 'POSITION_DESC', 'POSITION_ASC'] as const;
export type EventOrder = (typeof EVENT_ORDERS)[number];

/** One page of a list, read forward from `after` or backward from `before`, both exclusive. */
export interface PageRequest {
  filters: readonly EventFilter[];
  order: EventOrder;
  limit: number;
  /** True: the last `limit` events before the end or `before`. */
  isBackward: boolean;
  after?: Cursor | undefined;
  before?: Cursor | undefined;
  offset?: number | undefined;
}

/** The events in the order asked for, and whether there are more beyond either end. */
export interface Page {
  events: AuditEvent[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** Reads one page by keyset: stable while others write. */
export async function listEvents(db: Queryable, page: PageRequest): Promise<Page> {
  const { limit, isBackward } = page;
  const isAscending = page.order.endsWith('ASC') !== isBackward;
  const where = whereOf(page.filters);
  addKeyset(where, page);
  const direction = isAscending ? 'ASC' : 'DESC';
  const order = page.order.startsWith('TIMESTAMP')
    ? `"timestamp" ${direction}, position ${direction}`
    : `position ${direction}`;
  const { rows } = await db.query<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM audit_events WHERE ${where.sql} ORDER BY ${order}
     LIMIT ${limit + 1} OFFSET ${page.offset ?? 0}`,
    where.parameters,
  );
  const hasMore = rows.length > limit;
  const events = rows.slice(0, limit).map(eventOfRow);
  if (isBackward) events.reverse();
  return {
    events,
    hasNextPage: isBackward ? page.before !== undefined : hasMore,
    hasPreviousPage: isBackward ? hasMore : page.after !== undefined || (page.offset ?? 0) > 0,
  };
}

/** How many events match. */
export async function countEvents(db: Queryable, filters: readonly EventFilter[]): Promise<number> {
  const where = whereOf(filters);
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM audit_events WHERE ${where.sql}`,
    where.parameters,
  );
  return rows[0]?.count ?? 0;
}

function addKeyset(where: Where, { order, after, before }: PageRequest): void {
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
