import type { Queryable } from '../db/queryable.ts';
import type { Cursor } from './cursor.ts';
import { addKeyset, isAscending, orderOf } from './keyset.ts';
import type { PageRequest } from './list.ts';
import { columnsOf, type EventRow } from './row.ts';
import { readSegments, type SegmentRange } from './segments.ts';
import { addCondition, whereOf } from './where.ts';

// How many times as many segments as before are gone through next.
const GROWTH = 4;

/**
 * The rows of a page, and one more, found through indexes that know no order: all that match are collected and sorted.
 * Segments are gone through as the page is ordered, ever more of them at a time, until none of those left can hold an
 * event that belongs on the page: so a log whose events came about in the order of their times is read as far as it
 * must be, however long it is.
 */
export async function collectRows(db: Queryable, page: PageRequest): Promise<EventRow[]> {
  const places = await findPlaces(db, page, (page.offset ?? 0) + page.limit + 1);
  const { rows } = await db.query<EventRow>(
    `SELECT ${columnsOf(page.fields)} FROM audit_events WHERE position = ANY($1::bigint[]) ${orderOf(page)}`,
    [places.slice(page.offset ?? 0).map(({ position }) => position)],
  );
  return rows;
}

async function findPlaces(db: Queryable, page: PageRequest, wanted: number): Promise<Cursor[]> {
  let places: Cursor[] = [];
  let rest = await readSegments(db);
  for (let count = 1; rest.length > 0; count *= GROWTH) {
    const [next, others] = split(rest, count, isAscending(page));
    places = inOrder([...places, ...(await findIn(db, page, next, wanted))], page).slice(0, wanted);
    const last = places[wanted - 1];
    if (last && !(await mayComeBefore(db, page, others, last))) break;
    rest = others;
  }
  return places;
}

// So many segments from the end at which the page begins, and the others.
function split(
  segments: readonly SegmentRange[],
  count: number,
  isFromFirst: boolean,
): [next: SegmentRange[], others: SegmentRange[]] {
  const at = isFromFirst ? count : Math.max(0, segments.length - count);
  const [before, behind] = [segments.slice(0, at), segments.slice(at)];
  return isFromFirst ? [before, behind] : [behind, before];
}

// Materialized: PostgreSQL is not to think of the limit, and go through all events in order after all.
async function findIn(
  db: Queryable,
  page: PageRequest,
  segments: readonly SegmentRange[],
  wanted: number,
): Promise<Cursor[]> {
  const where = whereOf(page.filters);
  addKeyset(where, page);
  addCondition(where, 'position >= ?', segments[0]?.start);
  addCondition(where, 'position < ?', segments.at(-1)?.end);
  const { rows } = await db.query<Cursor>(
    `WITH found AS MATERIALIZED (SELECT position, "timestamp" FROM audit_events WHERE ${where.sql})
     SELECT position, "timestamp" FROM found ${orderOf(page)} LIMIT ${wanted}`,
    where.parameters,
  );
  return rows;
}

function inOrder(places: Cursor[], page: PageRequest): Cursor[] {
  const sign = isAscending(page) ? 1 : -1;
  const time = ({ timestamp }: Cursor) => (page.order.startsWith('TIMESTAMP') ? timestamp : 0);
  return places.sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}

// Of events of the same time those of the segments that are left come behind.
async function mayComeBefore(
  db: Queryable,
  page: PageRequest,
  segments: readonly SegmentRange[],
  last: Cursor,
): Promise<boolean> {
  const [first] = segments;
  if (!first || !page.order.startsWith('TIMESTAMP')) return false;
  const { rows } = await db.query<{ edge: number | null }>(
    `SELECT ${isAscending(page) ? 'min' : 'max'}("timestamp") AS edge FROM audit_events
     WHERE position >= $1 AND position < $2`,
    [first.start, segments.at(-1)?.end],
  );
  const edge = rows[0]?.edge ?? null;
  return edge !== null && (isAscending(page) ? edge < last.timestamp : edge > last.timestamp);
}
