import type { Queryable } from '../../db/queryable.ts';

/** Whose events are counted, and how far. */
export interface Scope {
  name: string;
  /** The events before this position are in the counts, and no others. */
  counted: number;
  /** All that are in the counts lie between these times, in milliseconds since 1970. */
  earliest: number;
  latest: number;
  /** Whether the days of a month are counted, by its start; undefined: those of every month are. */
  hasDays: ((month: number) => boolean) | undefined;
}

interface ScopeRow {
  counted: number;
  earliest: number | null;
  latest: number | null;
  daily_months: number[];
}

/** The scope of a customer; of all events when undefined. */
export function scopeName(customerId: string | undefined): string {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** How far a scope is counted. */
export async function readScope(db: Queryable, customerId: string | undefined): Promise<Scope> {
  const name = scopeName(customerId);
  const { rows } = await db.query<ScopeRow>(
    `SELECT counted, earliest, latest,
       to_json(ARRAY(SELECT extract(epoch FROM month) * 1000 FROM unnest(daily_months) AS month)) AS daily_months
     FROM summary_scopes WHERE scope = $1`,
    [name],
  );
  const [row] = rows;
  const daily = new Set(row?.daily_months);
  return {
    name,
    counted: row?.counted ?? 0,
    earliest: row?.earliest ?? Number.NEGATIVE_INFINITY,
    latest: row?.latest ?? Number.POSITIVE_INFINITY,
    hasDays: customerId === undefined ? undefined : (month) => daily.has(month),
  };
}
