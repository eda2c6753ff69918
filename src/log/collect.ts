import { Prisma } from '../db/generated/client.ts';
import { preparedIfRoom } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import { parseTimestamp } from '../db/timestamp.ts';
import type { Cursor } from './cursor.ts';
import { isAscending, keysetOf, orderOf, type PageRequest } from './keyset.ts';
import { orderedPart } from './one-way.ts';
import { columnsOf, type ReadRow } from './row.ts';
import { readSegments, type SegmentRange } from './segments.ts';
import { allOf, sqlTime, whereOf } from './where.ts';

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
    const places = await findPlaces(db, page, (page.offset ?? 0) + page.limit + 1);
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

async function findPlaces(db: Reads, page: PageRequest, wanted: number): Promise<Cursor[]> {
  const merge = (...places: Cursor[]) => inOrder(places, page).slice(0, wanted);
  let places: Cursor[] = [];
  let rest = await readSegments(db);
  for (let seen = 0; rest.length > 0; ) {
    const count = nextCount(seen, places.length, wanted);
    const [next, others] = split(rest, count, isAscending(page));
    places = merge(...places, ...(await findIn(db, page, next, wanted)));
    const last = places[wanted - 1];
    const most = Math.min(wanted * LATE.each, LATE.most);
    const before = last && (await findBefore(db, page, { segments: others, last, most }));
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
async function findIn(
  db: Reads,
  page: PageRequest,
  segments: readonly SegmentRange[],
  wanted: number,
): Promise<Cursor[]> {
  const where = allOf([whereOf(page.filters), ...keysetOf(page), rangeOf(segments)]);
  const rows = await db.$queryRaw<Place[]>(
    sql`WITH found AS MATERIALIZED (SELECT position, "timestamp" FROM audit_events WHERE ${where})
      SELECT ${PLACE} FROM found AS audit_events ${orderOf(page)} LIMIT ${wanted}`,
  );
  return rows.map(cursorOf);
}

/**
 * What matches in the segments before `last`, by the order of the page, found by looking through all that is there
 * before it; undefined when that is more than `most` events. Of the same time as `last` all in them come behind it.
 */
async function findBefore(
  db: Reads,
  page: PageRequest,
  { segments, last, most }: { segments: readonly SegmentRange[]; last: Cursor; most: number },
): Promise<Cursor[] | undefined> {
  if (segments.length === 0 || !page.order.startsWith('TIMESTAMP')) return [];
  const time = sqlTime(last.timestamp);
  const near = allOf([
    whereOf(page.filters.map(orderedPart)),
    ...keysetOf(page),
    rangeOf(segments),
    isAscending(page) ? sql`"timestamp" < ${time}::timestamptz` : sql`"timestamp" > ${time}::timestamptz`,
  ]);
  const rows = await db.$queryRaw<(Place & { isMatch: boolean })[]>(
    sql`SELECT ${PLACE}, ${whereOf(page.filters)} AS "isMatch"
      FROM (SELECT * FROM audit_events WHERE ${near} ${orderOf(page)} LIMIT ${most + 1}) AS audit_events`,
  );
  return rows.length > most ? undefined : rows.filter(({ isMatch }) => isMatch).map(cursorOf);
}

// Segments lie side by side.
function rangeOf(segments: readonly SegmentRange[]): Prisma.Sql {
  return sql`position >= ${segments[0]?.start ?? 0} AND position < ${segments.at(-1)?.end ?? 0}`;
}

/** Where an event stands, as Prisma hands it on without converting it. */
const PLACE = sql`position::float8 AS position, "timestamp"::text AS "timestamp"`;
interface Place {
  position: number;
  timestamp: string;
}

function cursorOf({ position, timestamp }: Place): Cursor {
  return { position, timestamp: parseTimestamp(timestamp) };
}

function inOrder(places: Cursor[], page: PageRequest): Cursor[] {
  const sign = isAscending(page) ? 1 : -1;
  const time = ({ timestamp }: Cursor) => (page.order.startsWith('TIMESTAMP') ? timestamp : 0);
  return places.sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}
