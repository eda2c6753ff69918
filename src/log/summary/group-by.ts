import { Prisma } from '../../db/generated/client.ts';
import type { Reads } from '../../db/queries.ts';
import { AuditError } from '../../errors.ts';
import type { Severity } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readFirstPosition } from '../head.ts';
import { allOf, IS_MAPPED, sqlTime, whereOf } from '../read/filter-sql.ts';
import { addressOf, FIRST_POSITION } from '../read/row.ts';

const ATTEMPTS = 5;

/**
 * The rows of an aggregate over the events that match and that no purge has announced to be removed. `statement` puts the
 * condition into its SQL, whose rows also have the column `FIRST_POSITION`. Asked again when the log begins elsewhere by
 * then; a condition with a subquery in the place of a constant would mislead the planner.
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

/** The dimensions of a summary, each with its SQL; null values are not counted. */
const DIMENSIONS = {
  eventType: sql`event_type`,
  outcome: sql`outcome`,
  severity: sql`severity`,
  userId: sql`user_id`,
  // A mapped address is its IPv4 address.
  ipAddress: sql`CASE WHEN ${IS_MAPPED} THEN substr(host(ip_address), 8) ELSE host(ip_address) END`,
} as const;
export type Dimension = keyof typeof DIMENSIONS;

/** How many events have each value of the dimension, highest first, equal ones by value; at most `limit`. */
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

/** A resource and how many events are about it. */
export interface ResourceCount extends Count {
  resourceType: string;
  resourceId: string;
}

/**
 * How many events are about each resource, highest first, equal ones by value and type; at most `limit`. The value is
 * type and id with a slash between: `a` and `b/c` make the same one as `a/b` and `c`, and are two resources.
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

/** The events of one bucket of time, which starts at `start` (milliseconds since 1970). */
export interface TimelinePoint {
  start: number;
  count: number;
  bySeverity: Count<Severity>[];
}

/** A period of time in buckets: of UTC, or between `bounds`: where each begins, and where the last one ends. */
export interface Timeline {
  start: number;
  end: number;
  bucket: TimeBucket;
  bounds?: readonly number[] | undefined;
}

/** The counts of every bucket of the period, empty ones too. */
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

/** Where the buckets begin, in order, each with the key that SQL gives it: the start, or between `bounds` its number from 1. */
export function bucketsOf({ start, end, bucket, bounds }: Timeline): { key: number; start: number }[] {
  if (bounds) return bounds.slice(0, -1).map((at, index) => ({ key: index + 1, start: at }));
  const length = TIME_BUCKETS[bucket];
  const buckets: { key: number; start: number }[] = [];
  for (let at = Math.floor(start / length) * length; at <= end; at += length)
    buckets.push({ key: at, start: at });
  return buckets;
}
