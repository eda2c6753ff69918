import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queryable.ts';
import { AuditError } from '../errors.ts';
import type { AuditEvent } from '../events/event.ts';
import { keysetOf, limitOf, orderOf, type PageRequest } from './keyset.ts';
import { queryPage } from './one-way.ts';
import { columnsOf, eventOfRow, isVisible, type ReadRow } from './row.ts';
import { isSearch, searchRows } from './search.ts';
import { allOf, whereOf } from './where.ts';

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
