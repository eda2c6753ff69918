import { parseTimestamp } from '../../db/client.ts';
import { Prisma } from '../../db/generated/client.ts';
import { prepared, type Reads } from '../../db/queries.ts';
import { type Outcome, type Severity, severitiesFrom } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import { sqlTime } from '../read/filter-sql.ts';
import {
  type BucketRange,
  ceilTo,
  floorTo,
  type Level,
  type Period,
  type RollupRanges,
  splitPeriod,
} from './rollup-ranges.ts';
import { COUNTER_COLUMNS, type Counts, countersSql, SUM_COUNTERS } from './rollups.ts';

/** What the counts can be asked: the events of a scope in a period, narrowed by type and by outcome or severity. */
export interface RollupQuery {
  customerId: string | undefined;
  period: Period;
  eventTypes: string[] | undefined;
  categories: string[] | undefined;
  outcomes: Outcome[] | undefined;
  severities: Severity[] | undefined;
}

// What else a filter names the counts know nothing about.
const ANSWERED: readonly (keyof EventFilter)[] = [
  'customerId',
  'startTime',
  'endTime',
  'eventTypes',
  'categories',
  'outcomes',
  'severities',
  'minSeverity',
];

/** The question that the filters together ask; undefined when the counts cannot answer it. */
export function rollupQueryOf(filters: readonly EventFilter[]): RollupQuery | undefined {
  const names = filters.flatMap((filter) => Object.keys(filter) as (keyof EventFilter)[]);
  if (names.some((name) => !ANSWERED.includes(name))) return undefined;
  const customers = new Set(filters.flatMap(({ customerId }) => customerId ?? []));
  // Of two customers there is no event; that is not worth a case of its own here.
  if (customers.size > 1) return undefined;
  const question: RollupQuery = {
    customerId: [...customers][0],
    period: {
      start: Math.max(...filters.map(({ startTime = Number.NEGATIVE_INFINITY }) => startTime)),
      end: Math.min(...filters.map(({ endTime = Number.POSITIVE_INFINITY }) => endTime)) + 1,
    },
    eventTypes: intersection(filters.map(({ eventTypes }) => eventTypes)),
    categories: intersection(filters.map(({ categories }) => categories)),
    outcomes: intersection(filters.map(({ outcomes }) => outcomes)),
    severities: intersection(
      filters.flatMap(({ severities, minSeverity }) => [
        severities,
        minSeverity && severitiesFrom(minSeverity),
      ]),
    ),
  };
  return question.outcomes && question.severities ? undefined : question;
}

/** The distinct values that are in every list; undefined when there is no list. */
function intersection<T>(lists: readonly (T[] | undefined)[]): T[] | undefined {
  const [first, ...others] = lists.filter((list) => list !== undefined);
  return first && [...new Set(first)].filter((value) => others.every((list) => list.includes(value)));
}

/** Whose events are counted, and how far. */
export interface RollupScope {
  name: string;
  /** The events before this position are in the counts, and no others. */
  counted: number;
  /** Where the log begins: rows before it are not in the counts any more, though they may still be stored. */
  first: number;
  /** All that are in the counts lie between these times, in milliseconds since 1970. */
  earliest: number;
  latest: number;
  /** Whether the days of a month are counted, by its start; undefined: those of every month are. */
  hasDays: ((month: number) => boolean) | undefined;
}

interface RollupScopeRow {
  first_position: number;
  counted: number | null;
  earliest: string | null;
  latest: string | null;
  daily_months: number[];
}

/** The scope of a customer; of all events when undefined. */
export function rollupScopeName(customerId: string | undefined): string {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** How far a scope is counted. */
export async function readRollupScope(db: Reads, customerId: string | undefined): Promise<RollupScope> {
  const name = rollupScopeName(customerId);
  const [row] = await db.$queryRaw<RollupScopeRow[]>(
    prepared(Prisma.sql`SELECT first_position::float8, counted::float8, earliest::text, latest::text,
        ARRAY(SELECT (extract(epoch FROM month) * 1000)::float8 FROM unnest(daily_months) AS month) AS daily_months
      FROM log_head LEFT JOIN summary_scopes ON scope = ${name}`),
  );
  const daily = new Set(row?.daily_months);
  return {
    name,
    counted: row?.counted ?? 0,
    first: row?.first_position ?? 0,
    earliest: row?.earliest == null ? Number.NEGATIVE_INFINITY : parseTimestamp(row.earliest),
    latest: row?.latest == null ? Number.POSITIVE_INFINITY : parseTimestamp(row.latest),
    hasDays: customerId === undefined ? undefined : (month) => daily.has(month),
  };
}

const { sql } = Prisma;

const ATTEMPTS = 3;
const MAX_PARTS = 16;
// A limit that is never reached: with it PostgreSQL starts no workers, which would take longer than all the rest.
const NO_WORKERS = 1_000_000_000;

/** A tally of events, by the key that they have in common. */
export type KeyedCounts<Key> = Counts & { key: Key };

/** How far the counts were, and where the log began, at the moment of the statement. */
interface RollupState {
  counted: number;
  first: number;
}

interface GroupKeys {
  counts: Prisma.Sql;
  events: Prisma.Sql;
}

interface RollupOptions {
  levels: readonly Level[];
  byType: boolean;
  /** What the tallies are grouped by: of a row of counts, and of an event. */
  keys: GroupKeys;
  /** The bounds of local days, in order, when those are what the keys are. */
  bounds?: readonly number[];
  /** Decides what is cheap, not what is right. */
  now: number;
}

/**
 * The tallies of the question's events by event type. undefined: the counts are moving too fast, or do not help.
 * `now` (milliseconds since 1970) decides what is cheap, not what is right.
 */
export function countByType(
  db: Reads,
  question: RollupQuery,
  now: number,
): Promise<KeyedCounts<string>[] | undefined> {
  const levels: Level[] = question.customerId === undefined ? ['month', 'day', 'hour'] : ['month', 'day'];
  const keys = { counts: sql`event_type`, events: sql`event_type` };
  return runRollupQuery(db, question, { levels, byType: true, keys, now });
}

/** The same by hour or day, keyed by its start in milliseconds since 1970. The question's period has bounds. */
export async function countByTime(
  db: Reads,
  question: RollupQuery,
  { level, now }: { level: 'hour' | 'day'; now: number },
): Promise<KeyedCounts<number>[] | undefined> {
  const { customerId, eventTypes, categories } = question;
  if (level === 'hour' && customerId !== undefined) return undefined;
  const levels: Level[] = level === 'hour' ? ['hour'] : customerId === undefined ? ['day', 'hour'] : ['day'];
  // Of a customer, and of some types, there are only the rows of each type.
  const byType = [customerId, eventTypes, categories].some((one) => one !== undefined);
  const keys = { counts: startOf(level, sql`bucket`), events: startOf(level, sql`"timestamp"`) };
  return runRollupQuery(db, question, { levels, byType, keys, now });
}

/**
 * The same by the local days between `bounds`, keyed by their number from 1; undefined for a customer, of whom no hours
 * are counted. An hour that a bound divides (where the offset is no whole number of hours) is counted to the day that it
 * begins in, and what is behind the bound is moved to the next.
 */
export async function countByLocalDay(
  db: Reads,
  question: RollupQuery,
  { bounds, now }: { bounds: readonly number[]; now: number },
): Promise<KeyedCounts<number>[] | undefined> {
  const { customerId, eventTypes, categories } = question;
  if (customerId !== undefined) return undefined;
  const byType = [eventTypes, categories].some((one) => one !== undefined);
  return runRollupQuery(db, question, { levels: ['hour'], byType, keys: LOCAL_DAYS, bounds, now });
}

const LOCAL_DAYS = { counts: localDay(sql`bucket`), events: localDay(sql`"timestamp"`) };
const LOCAL_DAY_OF_HOUR = localDay(sql`date_trunc('hour', "timestamp", 'UTC')`);

// There may be thousands of bounds, and many places that need them.
function localDay(time: Prisma.Sql): Prisma.Sql {
  return sql`width_bucket(${time}, (SELECT bounds FROM local_days))`;
}

function startOf(level: 'hour' | 'day', time: Prisma.Sql): Prisma.Sql {
  return sql`(extract(epoch FROM date_trunc(${level}, ${time}, 'UTC')) * 1000)::float8`;
}

/**
 * One statement, so one moment: what is counted and what is not yet fit together, or the answer says how far the counts
 * are by now. How far they are is a constant in it, so that PostgreSQL plans for the few events behind; likewise where the
 * log begins, if not at 0.
 */
async function runRollupQuery<Key>(
  db: Reads,
  question: RollupQuery,
  manner: RollupOptions,
): Promise<KeyedCounts<Key>[] | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const scope = await readRollupScope(db, question.customerId);
    const cover = splitPeriod(withoutBounds(question.period, scope), { ...manner, ...scope });
    if (cover.buckets.length + cover.edges.length > MAX_PARTS) return undefined;
    const statement = statementOf(question, { scope, cover, manner });
    const rows = await db.$queryRaw<(KeyedCounts<Key | null> & RollupState)[]>(statement);
    if (rows[0]?.counted === scope.counted && rows[0].first === scope.first)
      return rows.filter((row): row is KeyedCounts<Key> & RollupState => row.key !== null);
  }
  return undefined;
}

// Where there is nothing more to leave out, no bucket has to be cut.
function withoutBounds({ start, end }: Period, { earliest, latest }: RollupScope): Period {
  return {
    start: start <= earliest ? Number.NEGATIVE_INFINITY : start,
    end: end > latest ? Number.POSITIVE_INFINITY : end,
  };
}

function statementOf(
  { customerId, period, eventTypes, categories }: RollupQuery,
  { scope, cover, manner }: { scope: RollupScope; cover: RollupRanges; manner: RollupOptions },
): Prisma.Sql {
  const { keys, byType, bounds } = manner;
  const types = sql`${eventTypes ? sql`AND event_type = ANY (${eventTypes}::text[])` : Prisma.empty}
    ${categories ? sql`AND split_part(event_type, '.', 1) = ANY (${categories}::text[])` : Prisma.empty}`;
  const owner = customerId === undefined ? Prisma.empty : sql`AND customer_id = ${customerId}`;
  const visible = scope.first === 0 ? Prisma.empty : sql`AND position >= ${scope.first}`;
  const isCounted = sql`position < ${scope.counted}`;
  const countEvents = ({ start, end }: Period, sign: 1 | -1, positions: Prisma.Sql) =>
    sql`(SELECT ${keys.events} AS key, ${Prisma.raw(countersSql(sign))} FROM audit_events
     WHERE ${positions} AND "timestamp" >= ${sqlTime(start)}::timestamptz AND "timestamp" < ${sqlTime(end)}::timestamptz
       ${owner} ${visible} ${types} GROUP BY 1 LIMIT ${NO_WORKERS})`;
  const addUpCounts = ({ level, start, end }: BucketRange) =>
    sql`SELECT ${keys.counts} AS key, ${COUNTS} FROM summary_counts
     WHERE scope = ${scope.name} AND level = ${level} AND by_type = ${byType}
       AND bucket >= ${sqlTime(start)}::timestamptz AND bucket < ${sqlTime(end)}::timestamptz ${types}`;
  const divided = bounds ? dividedHours(bounds, cover.buckets) : [];
  const moveEvents = (key: Prisma.Sql, sign: 1 | -1) =>
    sql`(SELECT ${key} AS key, ${Prisma.raw(countersSql(sign))}
     FROM unnest(${divided.map(({ start }) => sqlTime(start))}::timestamptz[],
         ${divided.map(({ end }) => sqlTime(end))}::timestamptz[]) AS behind (start, stop)
       JOIN audit_events ON "timestamp" >= start AND "timestamp" < stop
     WHERE ${isCounted} ${visible} ${types} GROUP BY 1 LIMIT ${NO_WORKERS})`;
  const parts = [
    ...cover.buckets.map(addUpCounts),
    ...(divided.length > 0 ? [moveEvents(keys.events, 1), moveEvents(LOCAL_DAY_OF_HOUR, -1)] : []),
    ...cover.edges.map((edge) => countEvents(edge, edge.sign, isCounted)),
    countEvents(period, 1, sql`position >= ${scope.counted}`),
  ];
  const local = bounds
    ? sql`WITH local_days AS MATERIALIZED (SELECT ${bounds.map(sqlTime)}::timestamptz[] AS bounds)`
    : Prisma.empty;
  return sql`${local} SELECT scope.*, key, ${AS_FLOATS}
    FROM (SELECT coalesce(max(counted), 0)::float8 AS counted, (SELECT first_position FROM log_head)::float8 AS first
        FROM summary_scopes WHERE scope = ${scope.name}) AS scope
      LEFT JOIN (
        SELECT key, ${Prisma.raw(SUM_COUNTERS)} FROM (${Prisma.join(parts, ' UNION ALL ')}) AS parts
        GROUP BY key HAVING sum(total) <> 0
      ) AS sums ON true`;
}

const COUNTS = Prisma.raw(COUNTER_COLUMNS.join(', '));
const AS_FLOATS = Prisma.raw(COUNTER_COLUMNS.map((column) => `${column}::float8`).join(', '));

// Of the hours in the spans that a bound divides, the part behind it.
function dividedHours(bounds: readonly number[], spans: readonly BucketRange[]): Period[] {
  return bounds
    .map((start) => ({ start, end: ceilTo('hour', start) }))
    .filter(({ start, end }) => start < end)
    .filter(({ start: bound }) => {
      const hour = floorTo('hour', bound);
      return spans.some(({ start, end }) => start <= hour && hour < end);
    });
}
