import type { Queryable } from '../db/queryable.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Cursor } from './cursor.ts';
import { addKeyset, limitOf, orderOf } from './keyset.ts';
import { queryPage } from './one-way.ts';
import { columnsOf, type EventRow, eventOfRow } from './row.ts';
import { isSearch, searchRows } from './search.ts';
import { whereOf } from './where.ts';

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
  const rows = page.filters.some(isSearch) ? await searchRows(db, page) : await readRows(db, page);
  const hasMore = rows.length > limit;
  const events = rows.slice(0, limit).map(eventOfRow);
  if (isBackward) events.reverse();
  return {
    events,
    hasNextPage: isBackward ? page.before !== undefined : hasMore,
    hasPreviousPage: isBackward ? hasMore : page.after !== undefined || (page.offset ?? 0) > 0,
  };
}

async function readRows(db: Queryable, page: PageRequest): Promise<EventRow[]> {
  const where = whereOf(page.filters);
  addKeyset(where, page);
  const sql = `SELECT ${columnsOf(page.fields)} FROM audit_events WHERE ${where.sql} ${orderOf(page)} ${limitOf(page)}`;
  return queryPage(db, page, sql, where.parameters);
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
