import { parseTimestamp } from '../../db/client.ts';
import { Prisma } from '../../db/generated/client.ts';
import { preparedIfRoom, type Reads } from '../../db/queries.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readSegments, type SegmentRange } from '../segments.ts';
import type { Cursor } from './cursor.ts';
import { allOf, HAS_FORMER_WORDS, sqlTime, whereOf } from './filter-sql.ts';
import {
  isAscending,
  keysetOf,
  limitOf,
  orderedConditions,
  orderOf,
  type PageRequest,
  queryPage,
} from './keyset.ts';
import { columnsOf, type ReadRow } from './row.ts';

// How many events are looked through in the order of the page, first and then.
const FIRST_SCAN = 400;
const SECOND_SCAN = 40 * FIRST_SCAN;

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
  let found = await scanInOrder(db, page, FIRST_SCAN);
  if (found.length < wanted && found.length * (SECOND_SCAN / FIRST_SCAN) > wanted)
    found = await scanInOrder(db, page, SECOND_SCAN);
  return found.length < wanted ? collectRows(db, page) : found;
}

async function scanInOrder(db: Reads, page: PageRequest, count: number): Promise<ReadRow[]> {
  const filters = page.filters.map(orderedConditions);
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
export async function findFormerWordsEnd(db: Reads): Promise<number> {
  const [head] = await db.$queryRaw<{ first: number; size: number }[]>(
    Prisma.sql`SELECT first_position::float8 AS first, size::float8 AS size FROM log_head`,
  );
  let { first: start, size: end } = head ?? { first: 0, size: 0 };
  const first = start;
  while (start < end) {
    const middle = start === first ? start : Math.floor((start + end) / 2);
    if (await hasFormerWords(db, middle)) start = middle + 1;
    else end = middle;
  }
  return start === first ? 0 : start;
}

async function hasFormerWords(db: Reads, position: number): Promise<boolean> {
  const [found] = await db.$queryRaw<{ isFormer: boolean }[]>(
    Prisma.sql`SELECT ${HAS_FORMER_WORDS} AS "isFormer" FROM audit_events WHERE position = ${position}`,
  );
  // One that is not there was removed: it was older than all that are left.
  return found?.isFormer ?? true;
}

const { sql } = Prisma;

// How many times as many segments as before are gone through next, unless fewer are likely to have what is missing.
const GROWTH = { most: 4, margin: 1.5 };
// For each event that is wanted so many that came late are looked through, and so many at most.
const LATE = { each: 8, most: 16_000 };
const ATTEMPTS = 3;

/**
 * The rows of a page, and one more, found through indexes that know no order: all that match are collected and sorted.
 * Segments are gone through as the page is ordered, ever more of them at a time, until those left hold next to nothing
 * that could belong on the page: so a log whose events came about in the order of their times is read as far as it must
 * be, however long it is, and some that came late do not change that.
 */
export async function collectRows(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  for (let attempt = 1; ; attempt += 1) {
    const places = await findCursors(db, page, (page.offset ?? 0) + page.limit + 1);
    const positions = places.slice(page.offset ?? 0).map(({ position }) => position);
    const rows = await readRows(db, page, positions);
    // Retention has removed some of them in between: others come in their place.
    if (rows.length === positions.length || attempt === ATTEMPTS) return rows;
  }
}

async function readRows(db: Reads, page: PageRequest, positions: readonly number[]): Promise<ReadRow[]> {
  if (positions.length === 0) return [];
  // With bounds the other segments are left out, which are not known when the statement is prepared.
  return db.$queryRaw(
    preparedIfRoom(sql`SELECT ${columnsOf(page.fields)} FROM audit_events
      WHERE position = ANY(${positions}::bigint[]) AND position >= ${Math.min(...positions)}
        AND position <= ${Math.max(...positions)} ${orderOf(page)}`),
  );
}

async function findCursors(db: Reads, page: PageRequest, wanted: number): Promise<Cursor[]> {
  const merge = (...places: Cursor[]) => sortCursors(places, page).slice(0, wanted);
  let places: Cursor[] = [];
  let rest = await readSegments(db);
  for (let seen = 0; rest.length > 0; ) {
    const count = nextCount(seen, places.length, wanted);
    const [next, others] = split(rest, count, isAscending(page));
    places = merge(...places, ...(await findCursorsIn(db, page, next, wanted)));
    const last = places[wanted - 1];
    const most = Math.min(wanted * LATE.each, LATE.most);
    const before = last && (await findCursorsBefore(db, page, { segments: others, last, most }));
    if (before) return merge(...places, ...before);
    seen += count;
    rest = others;
  }
  return places;
}

/** How many segments to go through after so many, in which so many events were found of those that are wanted. */
function nextCount(seen: number, found: number, wanted: number): number {
  if (seen === 0) return 1;
  const most = seen * GROWTH.most;
  const missing = wanted - found;
  return found === 0 || missing <= 0
    ? most
    : Math.min(most, Math.ceil((GROWTH.margin * missing * seen) / found));
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
async function findCursorsIn(
  db: Reads,
  page: PageRequest,
  segments: readonly SegmentRange[],
  wanted: number,
): Promise<Cursor[]> {
  const where = allOf([whereOf(page.filters), ...keysetOf(page), rangeOf(segments)]);
  const rows = await db.$queryRaw<CursorRow[]>(
    sql`WITH found AS MATERIALIZED (SELECT position, "timestamp" FROM audit_events WHERE ${where})
      SELECT ${CURSOR_COLUMNS} FROM found AS audit_events ${orderOf(page)} LIMIT ${wanted}`,
  );
  return rows.map(cursorOf);
}

/**
 * What matches in the segments before `last`, by the order of the page, found by looking through all that is there
 * before it; undefined when that is more than `most` events. Of the same time as `last` all in them come behind it.
 */
async function findCursorsBefore(
  db: Reads,
  page: PageRequest,
  { segments, last, most }: { segments: readonly SegmentRange[]; last: Cursor; most: number },
): Promise<Cursor[] | undefined> {
  if (segments.length === 0 || !page.order.startsWith('TIMESTAMP')) return [];
  const time = sqlTime(last.timestamp);
  const near = allOf([
    whereOf(page.filters.map(orderedConditions)),
    ...keysetOf(page),
    rangeOf(segments),
    isAscending(page) ? sql`"timestamp" < ${time}::timestamptz` : sql`"timestamp" > ${time}::timestamptz`,
  ]);
  const rows = await db.$queryRaw<(CursorRow & { isMatch: boolean })[]>(
    sql`SELECT ${CURSOR_COLUMNS}, ${whereOf(page.filters)} AS "isMatch"
      FROM (SELECT * FROM audit_events WHERE ${near} ${orderOf(page)} LIMIT ${most + 1}) AS audit_events`,
  );
  return rows.length > most ? undefined : rows.filter(({ isMatch }) => isMatch).map(cursorOf);
}

// Segments lie side by side.
function rangeOf(segments: readonly SegmentRange[]): Prisma.Sql {
  return sql`position >= ${segments[0]?.start ?? 0} AND position < ${segments.at(-1)?.end ?? 0}`;
}

/** Where an event stands, as Prisma hands it on without converting it. */
const CURSOR_COLUMNS = sql`position::float8 AS position, "timestamp"::text AS "timestamp"`;
interface CursorRow {
  position: number;
  timestamp: string;
}

function cursorOf({ position, timestamp }: CursorRow): Cursor {
  return { position, timestamp: parseTimestamp(timestamp) };
}

function sortCursors(places: Cursor[], page: PageRequest): Cursor[] {
  const sign = isAscending(page) ? 1 : -1;
  const time = ({ timestamp }: Cursor) => (page.order.startsWith('TIMESTAMP') ? timestamp : 0);
  return places.sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}
