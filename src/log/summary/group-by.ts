import { Prisma } from '../../db/generated/client.ts';
import type { Reads } from '../../db/queries.ts';
import { AuditError } from '../../errors.ts';
import type { Severity } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readFirstPosition } from '../head.ts';
import { allOf, IS_MAPPED, sqlTime, whereOf } from '../read/filter-sql.ts';
import { addressOf } from '../read/row.ts';

const ATTEMPTS = 5;

/** The first position of the log at the time of the statement. */
const FIRST_POSITION = Prisma.sql`(SELECT first_position FROM log_head)::float8 AS first_position`;

/**
 * The rows of an aggregate over the matching events that no purge has announced. `statement` puts the condition into its SQL
 * and also selects `FIRST_POSITION`. Runs again when the first position moved in between: a subquery for it in the
 * condition would mislead the planner.
 */
export async function aggregateVisible<Row extends object>(
  db: Reads,
  filters: readonly EventFilter[],
  statement: (where: Prisma.Sql) => Prisma.Sql,
): Promise<Row[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const first = await readFirstPosition(db);
    const left = first > 0 ? [Prisma.sql`position >= ${first}`] : [];
    const where = allOf([whereOf(filters), ...left]);
    const rows = await db.$queryRaw<(Row & { first_position: number })[]>(statement(where));
    if (rows[0] === undefined || rows[0].first_position === first) return rows;
  }
  throw new AuditError('UNAVAILABLE', 'events are being removed: retry');
}

const { sql } = Prisma;

/** How many events match. */
export async function countEvents(db: Reads, filters: readonly EventFilter[]): Promise<number> {
  const rows = await aggregateVisible<{ count: number }>(
    db,
    filters,
    (where) => sql`SELECT count(*)::float8 AS count, ${FIRST_POSITION} FROM audit_events WHERE ${where}`,
  );
  return rows[0]?.count ?? 0;
}

/** A value and how many events have it. */
export interface Count<T extends string = string> {
  value: T;
  count: number;
}

/** The SQL of each dimension of a summary. Null values are not counted. */
const DIMENSIONS = {
  eventType: sql`event_type`,
  outcome: sql`outcome`,
  severity: sql`severity`,
  userId: sql`user_id`,
  // An IPv4-mapped address counts as the IPv4 address.
  ipAddress: sql`CASE WHEN ${IS_MAPPED} THEN substr(host(ip_address), 8) ELSE host(ip_address) END`,
} as const;
export type Dimension = keyof typeof DIMENSIONS;

/** Counts the events of each value of the dimension: highest first, equal counts by value, at most `limit`. */
export async function countBy<T extends string = string>(
  db: Reads,
  filters: readonly EventFilter[],
  dimension: Dimension,
  limit = 10_000,
): Promise<Count<T>[]> {
  const rows = await aggregateVisible<Count<T>>(
    db,
    filters,
    (where) =>
      sql`SELECT value, count::float8 AS count, ${FIRST_POSITION} FROM (
         SELECT ${DIMENSIONS[dimension]} AS value, count(*) AS count FROM audit_events WHERE ${where} GROUP BY 1
       ) AS counts WHERE value IS NOT NULL ORDER BY counts.count DESC, value COLLATE "C" LIMIT ${limit}`,
  );
  return dimension === 'ipAddress'
    ? rows.map(({ value, count }) => ({ value: addressOf(value) as T, count }))
    : rows.map(({ value, count }) => ({ value, count }));
}

/** A resource, and the number of its events. */
export interface ResourceCount extends Count {
  resourceType: string;
  resourceId: string;
}

/**
 * Counts the events of each resource: highest first, equal counts by value and type, at most `limit`. The value is
 * `type/id`. Two resources may have the same value: type `a` with id `b/c`, and type `a/b` with id `c`.
 */
export async function countResources(
  db: Reads,
  filters: readonly EventFilter[],
  limit: number,
): Promise<ResourceCount[]> {
  const rows = await aggregateVisible<Omit<ResourceCount, 'value'>>(
    db,
    filters,
    (where) =>
      sql`SELECT "resourceType", "resourceId", count::float8 AS count, ${FIRST_POSITION} FROM (
         SELECT resource_type AS "resourceType", resource_id AS "resourceId", count(*) AS count
         FROM audit_events WHERE ${where} GROUP BY 1, 2
       ) AS counts WHERE "resourceType" IS NOT NULL AND "resourceId" IS NOT NULL
       ORDER BY counts.count DESC, ("resourceType" || '/' || "resourceId") COLLATE "C", "resourceType" COLLATE "C"
       LIMIT ${limit}`,
  );
  return rows.map(({ resourceType, resourceId, count }) => {
    const value = `${resourceType}/${resourceId}`;
    return { value, count, resourceType, resourceId };
  });
}

export const TIME_BUCKETS = { MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000 } as const;
export type TimeBucket = keyof typeof TIME_BUCKETS;

/** The largest number of points of a timeline. */
export const MAX_TIMELINE_POINTS = 10_000;
/** How many of the most frequent values a summary has: by default, and at most. */
export const TOP_SIZE = { usual: 10, most: 1_000 };
/** The default period of a summary. */
export const USUAL_PERIOD_MS = TIME_BUCKETS.DAY;

/** The counts of one time bucket, which starts at `start` (milliseconds since 1970). */
export interface TimelinePoint {
  start: number;
  count: number;
  bySeverity: Count<Severity>[];
}

/** A period in buckets of UTC, or in buckets between `bounds`: the start of each, and the end of the last. */
export interface Timeline {
  start: number;
  end: number;
  bucket: TimeBucket;
  bounds?: readonly number[] | undefined;
}

/** Counts the events of every bucket of the period, empty buckets included. */
export async function countTimeline(
  db: Reads,
  filters: readonly EventFilter[],
  timeline: Timeline,
): Promise<TimelinePoint[]> {
  const { bounds, bucket } = timeline;
  const length = TIME_BUCKETS[bucket];
  const key = bounds
    ? sql`width_bucket("timestamp", ${bounds.map(sqlTime)}::timestamptz[])`
    : sql`(floor(extract(epoch FROM "timestamp") * 1000 / ${length}::bigint) * ${length}::bigint)::float8`;
  const rows = await aggregateVisible<{ key: number; severity: Severity; count: number }>(
    db,
    filters,
    (where) =>
      sql`SELECT ${key} AS key, severity, count(*)::float8 AS count, ${FIRST_POSITION}
       FROM audit_events WHERE ${where} GROUP BY 1, 2 ORDER BY 3 DESC, 2`,
  );
  const points = new Map<number, TimelinePoint>();
  for (const { key, start } of bucketsOf(timeline)) points.set(key, { start, count: 0, bySeverity: [] });
  for (const row of rows) {
    const point = points.get(row.key);
    if (!point) continue;
    point.count += row.count;
    point.bySeverity.push({ value: row.severity, count: row.count });
  }
  return [...points.values()];
}

/** The starts of the buckets, in order, with their keys in SQL: the start, or with `bounds` the bucket's number from 1. */
export function bucketsOf({ start, end, bucket, bounds }: Timeline): { key: number; start: number }[] {
  if (bounds) return bounds.slice(0, -1).map((at, index) => ({ key: index + 1, start: at }));
  const length = TIME_BUCKETS[bucket];
  const buckets: { key: number; start: number }[] = [];
  for (let at = Math.floor(start / length) * length; at <= end; at += length)
    buckets.push({ key: at, start: at });
  return buckets;
}
