import { Prisma } from '../../db/generated/client.ts';
import { sqlTime } from '../read/filter-sql.ts';
import {
  type BucketRange,
  ceilTo,
  type EventRange,
  floorTo,
  type Period,
  type RollupRanges,
} from './rollup-ranges.ts';
import { COUNTER_COLUMNS, countersSql, SUM_COUNTERS } from './rollups.ts';

const { sql, raw, join, empty } = Prisma;

/** What a statement counts. */
export interface StatementInput {
  /** The name of the scope, its counted position and the first position of the log: constants of the statement. */
  scope: { name: string; counted: number; first: number };
  period: Period;
  /** The ranges that add up to the counted events of the period. */
  ranges: RollupRanges;
  /** Whether the rollups of each event type are read, instead of those across all types. */
  byType: boolean;
  grouping: Grouping;
  customerId: string | undefined;
  eventTypes: string[] | undefined;
  categories: string[] | undefined;
}

/** The key that counts are grouped by: its SQL for a row of rollups, and for an event. */
export interface Grouping {
  ofRollup: Prisma.Sql;
  ofEvent: Prisma.Sql;
  /** The bounds of local days, in order, when these are the keys. */
  bounds?: readonly number[];
}

/** Groups by event type. */
export const BY_TYPE: Grouping = { ofRollup: sql`event_type`, ofEvent: sql`event_type` };

/** Groups by hour or day of UTC. The key is the start in milliseconds since 1970. */
export function byTime(level: 'hour' | 'day'): Grouping {
  const startOf = (time: Prisma.Sql) =>
    sql`(extract(epoch FROM date_trunc(${level}, ${time}, 'UTC')) * 1000)::float8`;
  return { ofRollup: startOf(sql`bucket`), ofEvent: startOf(sql`"timestamp"`) };
}

/** Groups by the local days between `bounds`. The key is the number of the day, from 1. */
export function byLocalDay(bounds: readonly number[]): Grouping {
  return { ofRollup: localDay(sql`bucket`), ofEvent: localDay(sql`"timestamp"`), bounds };
}

// A subquery, since thousands of bounds would be repeated in many places.
function localDay(time: Prisma.Sql): Prisma.Sql {
  return sql`width_bucket(${time}, (SELECT bounds FROM local_days))`;
}

const LOCAL_DAY_OF_HOUR = localDay(sql`date_trunc('hour', "timestamp", 'UTC')`);
const COUNTERS = raw(COUNTER_COLUMNS.join(', '));
const AS_FLOATS = raw(COUNTER_COLUMNS.map((column) => `${column}::float8`).join(', '));

// A LIMIT that is never reached keeps PostgreSQL from starting parallel workers, which would take longer than the query.
const NO_WORKERS = 1_000_000_000;

/**
 * The statement that counts the events of a period by key. It adds up rollups, events of the log at the edges of the period,
 * and events that are not counted yet. Each row also has the state of the scope at the time of the statement.
 *
 * Example: the events of the category `auth` from March 1 to March 2, 10:20, by type, when the rollups count the events
 * before position 5000 and the log begins at position 200. The hour from 10:00 is read as a whole, and its events from 10:20
 * on are subtracted. Here the values stand in the statement, `<counters>` for the counter columns, `<sums>` for their sums
 * and `<counts>` for counts of events in their form.
 *
 *     SELECT scope.*, key, <counters>
 *     FROM (SELECT coalesce(max(counted), 0)::float8 AS counted, (SELECT first_position FROM log_head)::float8 AS first,
 *           max(xmin::text) AS version
 *         FROM summary_scopes WHERE scope = 'log') AS scope
 *       LEFT JOIN (
 *         SELECT key, <sums> FROM (
 *           SELECT event_type AS key, <counters> FROM summary_counts
 *             WHERE scope = 'log' AND level = 'day' AND by_type = true
 *               AND bucket >= '2026-03-01T00:00Z'::timestamptz AND bucket < '2026-03-02T00:00Z'::timestamptz
 *               AND split_part(event_type, '.', 1) = ANY ('{auth}'::text[])
 *           UNION ALL
 *           SELECT event_type AS key, <counters> FROM summary_counts
 *             WHERE scope = 'log' AND level = 'hour' AND by_type = true
 *               AND bucket >= '2026-03-02T00:00Z'::timestamptz AND bucket < '2026-03-02T10:00Z'::timestamptz
 *               AND split_part(event_type, '.', 1) = ANY ('{auth}'::text[])
 *           UNION ALL
 *           SELECT event_type AS key, <counters> FROM summary_counts
 *             WHERE scope = 'log' AND level = 'hour' AND by_type = true
 *               AND bucket >= '2026-03-02T10:00Z'::timestamptz AND bucket < '2026-03-02T11:00Z'::timestamptz
 *               AND split_part(event_type, '.', 1) = ANY ('{auth}'::text[])
 *           UNION ALL
 *           (SELECT event_type AS key, -1 * <counts> FROM audit_events
 *             WHERE position < 5000 AND "timestamp" >= '2026-03-02T10:20Z'::timestamptz
 *               AND "timestamp" < '2026-03-02T11:00Z'::timestamptz
 *               AND position >= 200 AND split_part(event_type, '.', 1) = ANY ('{auth}'::text[])
 *             GROUP BY 1 LIMIT 1000000000)
 *           UNION ALL
 *           (SELECT event_type AS key, <counts> FROM audit_events
 *             WHERE position >= 5000 AND "timestamp" >= '2026-03-01T00:00Z'::timestamptz
 *               AND "timestamp" < '2026-03-02T10:20Z'::timestamptz
 *               AND position >= 200 AND split_part(event_type, '.', 1) = ANY ('{auth}'::text[])
 *             GROUP BY 1 LIMIT 1000000000)
 *         ) AS parts GROUP BY key HAVING sum(total) <> 0
 *       ) AS sums ON true
 */
export function rollupStatement(input: StatementInput): Prisma.Sql {
  const { scope, period, ranges, grouping } = input;
  const parts = [
    ...ranges.buckets.map((range) => rollupsIn(range, input)),
    ...eventsAfterBounds(input),
    ...ranges.edges.map((edge) => eventsIn(edge, input, sql`position < ${scope.counted}`)),
    eventsIn({ ...period, sign: 1 }, input, sql`position >= ${scope.counted}`),
  ];
  const localDays = grouping.bounds
    ? sql`WITH local_days AS MATERIALIZED (SELECT ${grouping.bounds.map(sqlTime)}::timestamptz[] AS bounds)`
    : empty;
  return sql`${localDays} SELECT scope.*, key, ${AS_FLOATS}
    FROM (SELECT coalesce(max(counted), 0)::float8 AS counted, (SELECT first_position FROM log_head)::float8 AS first,
          max(xmin::text) AS version
        FROM summary_scopes WHERE scope = ${scope.name}) AS scope
      LEFT JOIN (
        SELECT key, ${raw(SUM_COUNTERS)} FROM (${join(parts, ' UNION ALL ')}) AS parts
        GROUP BY key HAVING sum(total) <> 0
      ) AS sums ON true`;
}

/** The rollups of a range of buckets. */
function rollupsIn({ level, start, end }: BucketRange, input: StatementInput): Prisma.Sql {
  return sql`SELECT ${input.grouping.ofRollup} AS key, ${COUNTERS} FROM summary_counts
    WHERE scope = ${input.scope.name} AND level = ${level} AND by_type = ${input.byType}
      AND bucket >= ${sqlTime(start)}::timestamptz AND bucket < ${sqlTime(end)}::timestamptz ${typesOf(input)}`;
}

/** The stored events of a range, as far as their positions meet a condition. With sign -1 they are subtracted. */
function eventsIn(
  { start, end, sign }: EventRange,
  input: StatementInput,
  positions: Prisma.Sql,
): Prisma.Sql {
  const ofCustomer = input.customerId === undefined ? empty : sql`AND customer_id = ${input.customerId}`;
  return sql`(SELECT ${input.grouping.ofEvent} AS key, ${raw(countersSql(sign))} FROM audit_events
    WHERE ${positions} AND "timestamp" >= ${sqlTime(start)}::timestamptz AND "timestamp" < ${sqlTime(end)}::timestamptz
      ${ofCustomer} ${visible(input)} ${typesOf(input)} GROUP BY 1 LIMIT ${NO_WORKERS})`;
}

/**
 * An hour that a local midnight divides is added to the day in which it starts. These parts add its events after midnight to
 * their own day, and subtract them from the day before. Two midnights of a zone at 18:15 UTC:
 *
 *     (SELECT width_bucket("timestamp", (SELECT bounds FROM local_days)) AS key, <counts>
 *       FROM unnest('{2026-05-04T18:15Z,2026-05-05T18:15Z}'::timestamptz[],
 *           '{2026-05-04T19:00Z,2026-05-05T19:00Z}'::timestamptz[]) AS after_bounds (start, stop)
 *         JOIN audit_events ON "timestamp" >= start AND "timestamp" < stop
 *       WHERE position < 5000 GROUP BY 1 LIMIT 1000000000)
 *     UNION ALL
 *     (SELECT width_bucket(date_trunc('hour', "timestamp", 'UTC'), (SELECT bounds FROM local_days)) AS key, -1 * <counts>
 *       FROM unnest('{2026-05-04T18:15Z,2026-05-05T18:15Z}'::timestamptz[],
 *           '{2026-05-04T19:00Z,2026-05-05T19:00Z}'::timestamptz[]) AS after_bounds (start, stop)
 *         JOIN audit_events ON "timestamp" >= start AND "timestamp" < stop
 *       WHERE position < 5000 GROUP BY 1 LIMIT 1000000000)
 */
function eventsAfterBounds(input: StatementInput): Prisma.Sql[] {
  const { scope, ranges, grouping } = input;
  const parts = grouping.bounds ? partsAfterBounds(grouping.bounds, ranges.buckets) : [];
  if (parts.length === 0) return [];
  const countBy = (key: Prisma.Sql, sign: 1 | -1) =>
    sql`(SELECT ${key} AS key, ${raw(countersSql(sign))}
    FROM unnest(${parts.map(({ start }) => sqlTime(start))}::timestamptz[],
        ${parts.map(({ end }) => sqlTime(end))}::timestamptz[]) AS after_bounds (start, stop)
      JOIN audit_events ON "timestamp" >= start AND "timestamp" < stop
    WHERE position < ${scope.counted} ${visible(input)} ${typesOf(input)} GROUP BY 1 LIMIT ${NO_WORKERS})`;
  return [countBy(grouping.ofEvent, 1), countBy(LOCAL_DAY_OF_HOUR, -1)];
}

/** For each hour in the ranges that a bound divides: the part after the bound. */
function partsAfterBounds(bounds: readonly number[], ranges: readonly BucketRange[]): Period[] {
  return bounds
    .map((start) => ({ start, end: ceilTo('hour', start) }))
    .filter(({ start, end }) => start < end)
    .filter(({ start: bound }) => {
      const hour = floorTo('hour', bound);
      return ranges.some(({ start, end }) => start <= hour && hour < end);
    });
}

function typesOf({ eventTypes, categories }: StatementInput): Prisma.Sql {
  const isType = eventTypes ? sql`AND event_type = ANY (${eventTypes}::text[])` : empty;
  const isOfCategory = categories
    ? sql`AND split_part(event_type, '.', 1) = ANY (${categories}::text[])`
    : empty;
  return sql`${isType} ${isOfCategory}`;
}

function visible({ scope }: StatementInput): Prisma.Sql {
  return scope.first === 0 ? empty : sql`AND position >= ${scope.first}`;
}
