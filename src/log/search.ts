import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queryable.ts';
import type { EventFilter } from '../events/filter.ts';
import { collectRows } from './collect.ts';
import { keysetOf, limitOf, orderOf, type PageRequest } from './keyset.ts';
import { orderedPart, queryPage } from './one-way.ts';
import { columnsOf, type ReadRow } from './row.ts';
import { allOf, IS_FORMER, whereOf } from './where.ts';

// How many events are looked through in the order of the page, first and then.
const NEAR = 400;
const FAR = 40 * NEAR;

/**
 * Whether a filter looks for what has an index of its own, which knows no order, or for what has none: then a page is not
 * read in its order to the end of the log either, when few events match.
 */
export function isSearch({ search, details, oldValues, newValues, ipBlock }: EventFilter): boolean {
  return (search ?? details ?? oldValues ?? newValues ?? ipBlock) !== undefined;
}

/**
 * The rows of a page of a search, and one more. What many events have is soon found by going through them in the order of
 * the page; what few have, by collecting all of those from the index and sorting them. Which it is PostgreSQL would have
 * to guess, and a wrong guess takes a thousand times as long; so the next events are looked through first.
 */
export async function searchRows(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  const wanted = page.limit + 1;
  let found = await lookThrough(db, page, NEAR);
  if (found.length < wanted && found.length * (FAR / NEAR) > wanted) found = await lookThrough(db, page, FAR);
  return found.length < wanted ? collectRows(db, page) : found;
}

async function lookThrough(db: Reads, page: PageRequest, count: number): Promise<ReadRow[]> {
  const filters = page.filters.map(orderedPart);
  const near = allOf([whereOf(filters), ...keysetOf(page)]);
  return queryPage(
    db,
    { ...page, filters },
    Prisma.sql`SELECT ${columnsOf(page.fields)}
      FROM (SELECT * FROM audit_events WHERE ${near} ${orderOf(page)} LIMIT ${count}) AS audit_events
      WHERE ${whereOf(page.filters)} ${orderOf(page)} ${limitOf(page)}`,
  );
}

/**
 * The position before which events have the words that a version before migration 0060 gave them, of which `search` knows
 * less; 0 when there are none. They are the oldest, so their end is found by halving.
 */
export async function findFormerEnd(db: Reads): Promise<number> {
  const [head] = await db.$queryRaw<{ first: number; size: number }[]>(
    Prisma.sql`SELECT first_position::float8 AS first, size::float8 AS size FROM log_head`,
  );
  let { first: start, size: end } = head ?? { first: 0, size: 0 };
  const first = start;
  while (start < end) {
    const middle = start === first ? start : Math.floor((start + end) / 2);
    if (await isFormer(db, middle)) start = middle + 1;
    else end = middle;
  }
  return start === first ? 0 : start;
}

async function isFormer(db: Reads, position: number): Promise<boolean> {
  const [found] = await db.$queryRaw<{ isFormer: boolean }[]>(
    Prisma.sql`SELECT ${IS_FORMER} AS "isFormer" FROM audit_events WHERE position = ${position}`,
  );
  // One that is not there was removed: it was older than all that are left.
  return found?.isFormer ?? true;
}
