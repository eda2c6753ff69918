import { parseTimestamp } from '../../db/client-with-deadlines.ts';
import { Prisma, type PrismaClient } from '../../db/generated/client.ts';
import { preparedIfRoom, type Reads } from '../../db/queries.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readHead } from '../head.ts';
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
} from './pages.ts';
import { type ReadRow, selectionOf } from './row.ts';

// How many events the first and the second scan read, in the order of the page.
const FIRST_SCAN = 400;
const SECOND_SCAN = 40 * FIRST_SCAN;

/**
 * Whether a filter has a condition whose index is unordered, or that has no index. When few events match such a filter,
 * reading in the order of the page could reach the end of the log.
 */
export function isSearch({ search, details, oldValues, newValues, ipBlock }: EventFilter): boolean {
  return (search ?? details ?? oldValues ?? newValues ?? ipBlock) !== undefined;
}

/**
 * The rows of a page of a search, and one more. Frequent matches are found fast by scanning in the order of the page; rare
 * ones by collecting all matches from the index and sorting them. PostgreSQL would have to guess which case it is, and a
 * wrong guess takes a thousand times as long. So the next events are scanned first.
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
    Prisma.sql`SELECT ${selectionOf(page.fields).columns}
      FROM (SELECT * FROM audit_events WHERE ${near} ${orderOf(page)} LIMIT ${count}) AS audit_events
      WHERE ${whereOf(page.filters)} ${orderOf(page)} ${limitOf(page)}`,
  );
}

/**
 * The position before which events have search words of a version before migration 0060, which support fewer searches. 0 when
 * there are none. These events are the oldest, so a binary search finds their end.
 */
export async function findFormerWordsEnd(prisma: PrismaClient): Promise<number> {
  const { firstPosition: first, frontier } = await readHead(prisma);
  let [start, end] = [first, frontier.size];
  while (start < end) {
    const middle = start === first ? start : Math.floor((start + end) / 2);
    if (await hasFormerWords(prisma, middle)) start = middle + 1;
    else end = middle;
  }
  return start === first ? 0 : start;
}

async function hasFormerWords(db: Reads, position: number): Promise<boolean> {
  const [found] = await db.$queryRaw<{ isFormer: boolean }[]>(
    Prisma.sql`SELECT ${HAS_FORMER_WORDS} AS "isFormer" FROM audit_events WHERE position = ${position}`,
  );
  // A missing event was purged, so it is older than all others.
  return found?.isFormer ?? true;
}

const { sql } = Prisma;

// The next step reads at most `most` times as many segments as all before, and fewer when fewer are likely to suffice.
const GROWTH = { most: 4, margin: 1.5 };
// How many late events are scanned: `each` for each wanted event, `most` in total.
const LATE = { each: 8, most: 16_000 };
const ATTEMPTS = 3;

/**
 * The rows of a page, and one more, found through unordered indexes:
 *
 * 1. Find all matches in the next segments in the order of the page, and sort them with those that were found before.
 * 2. When the page is full, scan the remaining segments for late events: those that come before the last match of the page,
 *    although their positions are elsewhere. When they are few, they complete the page.
 * 3. Otherwise go on with 1, with a growing number of segments.
 * 4. Read the rows of the positions that were found.
 *
 * When events arrive about in the order of their timestamps, only the needed part of a long log is read.
 */
export async function collectRows(db: Reads, page: PageRequest): Promise<ReadRow[]> {
  for (let attempt = 1; ; attempt += 1) {
    const cursors = await findCursors(db, page, (page.offset ?? 0) + page.limit + 1);
    const positions = cursors.slice(page.offset ?? 0).map(({ position }) => position);
    const rows = await readRows(db, page, positions);
    // Retention removed some of the rows in between: collect again.
    if (rows.length === positions.length || attempt === ATTEMPTS) return rows;
  }
}

async function readRows(db: Reads, page: PageRequest, positions: readonly number[]): Promise<ReadRow[]> {
  if (positions.length === 0) return [];
  // The bounds let PostgreSQL skip other segments: the positions are not known when it plans the prepared statement.
  return db.$queryRaw(
    preparedIfRoom(sql`SELECT ${selectionOf(page.fields).columns} FROM audit_events
      WHERE position = ANY(${positions}::bigint[]) AND position >= ${Math.min(...positions)}
        AND position <= ${Math.max(...positions)} ${orderOf(page)}`),
  );
}

async function findCursors(db: Reads, page: PageRequest, wanted: number): Promise<Cursor[]> {
  const merge = (...found: Cursor[]) => sortCursors(found, page).slice(0, wanted);
  let cursors: Cursor[] = [];
  let rest = await readSegments(db);
  for (let seen = 0; rest.length > 0; ) {
    const count = nextCount(seen, cursors.length, wanted);
    const [next, others] = split(rest, count, isAscending(page));
    cursors = merge(...cursors, ...(await findCursorsIn(db, page, next, wanted)));
    const last = cursors[wanted - 1];
    const most = Math.min(wanted * LATE.each, LATE.most);
    const before = last && (await findCursorsBefore(db, page, { segments: others, last, most }));
    if (before) return merge(...cursors, ...before);
    seen += count;
    rest = others;
  }
  return cursors;
}

/** How many segments to read next, after `seen` segments in which `found` of the `wanted` events were. */
function nextCount(seen: number, found: number, wanted: number): number {
  if (seen === 0) return 1;
  const most = seen * GROWTH.most;
  const missing = wanted - found;
  return found === 0 || missing <= 0
    ? most
    : Math.min(most, Math.ceil((GROWTH.margin * missing * seen) / found));
}

// The next `count` segments in the order of the page, and the others.
function split(
  segments: readonly SegmentRange[],
  count: number,
  isFromFirst: boolean,
): [next: SegmentRange[], others: SegmentRange[]] {
  const at = isFromFirst ? count : Math.max(0, segments.length - count);
  const [before, behind] = [segments.slice(0, at), segments.slice(at)];
  return isFromFirst ? [before, behind] : [behind, before];
}

// MATERIALIZED: otherwise the LIMIT lets PostgreSQL choose to read all events in order.
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
 * The matches of the segments that come before `last` in the order of the page, found by scanning every event there that does.
 * Undefined when those are more than `most`. Events with the same timestamp as `last` come after it.
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

// The segments are adjacent.
function rangeOf(segments: readonly SegmentRange[]): Prisma.Sql {
  return sql`position >= ${segments[0]?.start ?? 0} AND position < ${segments.at(-1)?.end ?? 0}`;
}

/** The columns of a cursor, cast to types that Prisma returns without conversion. */
const CURSOR_COLUMNS = sql`position::float8 AS position, "timestamp"::text AS "timestamp"`;
interface CursorRow {
  position: number;
  timestamp: string;
}

function cursorOf({ position, timestamp }: CursorRow): Cursor {
  return { position, timestamp: parseTimestamp(timestamp) };
}

function sortCursors(cursors: Cursor[], page: PageRequest): Cursor[] {
  const sign = isAscending(page) ? 1 : -1;
  const time = ({ timestamp }: Cursor) => (page.order.startsWith('TIMESTAMP') ? timestamp : 0);
  return cursors.sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}
