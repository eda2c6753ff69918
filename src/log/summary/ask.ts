import { Prisma } from '../../db/generated/client.ts';
import type { Reads } from '../../db/queryable.ts';
import { sqlTime } from '../where.ts';
import { type Cover, coverPeriod, type Period, type Span } from './cover.ts';
import { ceilTo, floorTo, type Level } from './levels.ts';
import type { Question } from './question.ts';
import { readScope, type Scope } from './scope.ts';
import { SUM_TALLIES, TALLY_COLUMNS, type Tally, tallyEvents } from './tally.ts';

const { sql } = Prisma;

const ATTEMPTS = 3;
const MAX_PARTS = 16;
// A limit that is never reached: with it PostgreSQL starts no workers, which would take longer than all the rest.
const NO_WORKERS = 1_000_000_000;

/** A tally of events, by the key that they have in common. */
export type KeyedTally<Key> = Tally & { key: Key };

/** How far the counts were, and where the log began, at the moment of the statement. */
interface Moment {
  counted: number;
  first: number;
}

interface Keys {
  counts: Prisma.Sql;
  events: Prisma.Sql;
}

interface Manner {
  levels: readonly Level[];
  byType: boolean;
  /** What the tallies are grouped by: of a row of counts, and of an event. */
  keys: Keys;
  /** The bounds of local days, in order, when those are what the keys are. */
  bounds?: readonly number[];
  /** Decides what is cheap, not what is right. */
  now: number;
}

/**
 * The tallies of the question's events by event type. undefined: the counts are moving too fast, or do not help.
 * `now` (milliseconds since 1970) decides what is cheap, not what is right.
 */
export function tallyTypes(
  db: Reads,
  question: Question,
  now: number,
): Promise<KeyedTally<string>[] | undefined> {
  const levels: Level[] = question.customerId === undefined ? ['month', 'day', 'hour'] : ['month', 'day'];
  const keys = { counts: sql`event_type`, events: sql`event_type` };
  return ask(db, question, { levels, byType: true, keys, now });
}

/** The same by hour or day, keyed by its start in milliseconds since 1970. The question's period has bounds. */
export async function tallyTimes(
  db: Reads,
  question: Question,
  { level, now }: { level: 'hour' | 'day'; now: number },
): Promise<KeyedTally<number>[] | undefined> {
  const { customerId, eventTypes, categories } = question;
  if (level === 'hour' && customerId !== undefined) return undefined;
  const levels: Level[] = level === 'hour' ? ['hour'] : customerId === undefined ? ['day', 'hour'] : ['day'];
  // Of a customer, and of some types, there are only the rows of each type.
  const byType = [customerId, eventTypes, categories].some((one) => one !== undefined);
  const keys = { counts: startOf(level, sql`bucket`), events: startOf(level, sql`"timestamp"`) };
  return ask(db, question, { levels, byType, keys, now });
}

/**
 * The same by the local days between `bounds`, keyed by their number from 1; undefined for a customer, of whom no hours
 * are counted. An hour that a bound divides (where the offset is no whole number of hours) is counted to the day that it
 * begins in, and what is behind the bound is moved to the next.
 */
export async function tallyLocalDays(
  db: Reads,
  question: Question,
  { bounds, now }: { bounds: readonly number[]; now: number },
): Promise<KeyedTally<number>[] | undefined> {
  const { customerId, eventTypes, categories } = question;
  if (customerId !== undefined) return undefined;
  const byType = [eventTypes, categories].some((one) => one !== undefined);
  return ask(db, question, { levels: ['hour'], byType, keys: LOCAL_DAYS, bounds, now });
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
async function ask<Key>(
  db: Reads,
  question: Question,
  manner: Manner,
): Promise<KeyedTally<Key>[] | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const scope = await readScope(db, question.customerId);
    const cover = coverPeriod(withoutBounds(question.period, scope), { ...manner, ...scope });
    if (cover.spans.length + cover.edges.length > MAX_PARTS) return undefined;
    const statement = statementOf(question, { scope, cover, manner });
    const rows = await db.$queryRaw<(KeyedTally<Key | null> & Moment)[]>(statement);
    if (rows[0]?.counted === scope.counted && rows[0].first === scope.first)
      return rows.filter((row): row is KeyedTally<Key> & Moment => row.key !== null);
  }
  return undefined;
}

// Where there is nothing more to leave out, no bucket has to be cut.
function withoutBounds({ start, end }: Period, { earliest, latest }: Scope): Period {
  return {
    start: start <= earliest ? Number.NEGATIVE_INFINITY : start,
    end: end > latest ? Number.POSITIVE_INFINITY : end,
  };
}

function statementOf(
  { customerId, period, eventTypes, categories }: Question,
  { scope, cover, manner }: { scope: Scope; cover: Cover; manner: Manner },
): Prisma.Sql {
  const { keys, byType, bounds } = manner;
  const types = sql`${eventTypes ? sql`AND event_type = ANY (${eventTypes}::text[])` : Prisma.empty}
    ${categories ? sql`AND split_part(event_type, '.', 1) = ANY (${categories}::text[])` : Prisma.empty}`;
  const owner = customerId === undefined ? Prisma.empty : sql`AND customer_id = ${customerId}`;
  const visible = scope.first === 0 ? Prisma.empty : sql`AND position >= ${scope.first}`;
  const isCounted = sql`position < ${scope.counted}`;
  const countEvents = ({ start, end }: Period, sign: 1 | -1, positions: Prisma.Sql) =>
    sql`(SELECT ${keys.events} AS key, ${Prisma.raw(tallyEvents(sign))} FROM audit_events
     WHERE ${positions} AND "timestamp" >= ${sqlTime(start)}::timestamptz AND "timestamp" < ${sqlTime(end)}::timestamptz
       ${owner} ${visible} ${types} GROUP BY 1 LIMIT ${NO_WORKERS})`;
  const addUpCounts = ({ level, start, end }: Span) =>
    sql`SELECT ${keys.counts} AS key, ${TALLIES} FROM summary_counts
     WHERE scope = ${scope.name} AND level = ${level} AND by_type = ${byType}
       AND bucket >= ${sqlTime(start)}::timestamptz AND bucket < ${sqlTime(end)}::timestamptz ${types}`;
  const divided = bounds ? dividedHours(bounds, cover.spans) : [];
  const moveEvents = (key: Prisma.Sql, sign: 1 | -1) =>
    sql`(SELECT ${key} AS key, ${Prisma.raw(tallyEvents(sign))}
     FROM unnest(${divided.map(({ start }) => sqlTime(start))}::timestamptz[],
         ${divided.map(({ end }) => sqlTime(end))}::timestamptz[]) AS behind (start, stop)
       JOIN audit_events ON "timestamp" >= start AND "timestamp" < stop
     WHERE ${isCounted} ${visible} ${types} GROUP BY 1 LIMIT ${NO_WORKERS})`;
  const parts = [
    ...cover.spans.map(addUpCounts),
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
        SELECT key, ${Prisma.raw(SUM_TALLIES)} FROM (${Prisma.join(parts, ' UNION ALL ')}) AS parts
        GROUP BY key HAVING sum(total) <> 0
      ) AS sums ON true`;
}

const TALLIES = Prisma.raw(TALLY_COLUMNS.join(', '));
const AS_FLOATS = Prisma.raw(TALLY_COLUMNS.map((column) => `${column}::float8`).join(', '));

// Of the hours in the spans that a bound divides, the part behind it.
function dividedHours(bounds: readonly number[], spans: readonly Span[]): Period[] {
  return bounds
    .map((start) => ({ start, end: ceilTo('hour', start) }))
    .filter(({ start, end }) => start < end)
    .filter(({ start: bound }) => {
      const hour = floorTo('hour', bound);
      return spans.some(({ start, end }) => start <= hour && hour < end);
    });
}
