import { Prisma } from '../../db/generated/client.ts';
import { prepared } from '../../db/prepared.ts';
import type { Reads } from '../../db/queryable.ts';
import { parseTimestamp } from '../../db/timestamp.ts';

/** Whose events are counted, and how far. */
export interface Scope {
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

interface ScopeRow {
  first_position: number;
  counted: number | null;
  earliest: string | null;
  latest: string | null;
  daily_months: number[];
}

/** The scope of a customer; of all events when undefined. */
export function scopeName(customerId: string | undefined): string {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** How far a scope is counted. */
export async function readScope(db: Reads, customerId: string | undefined): Promise<Scope> {
  const name = scopeName(customerId);
  const [row] = await db.$queryRaw<ScopeRow[]>(
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
