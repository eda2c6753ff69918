import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client.ts';
import { inTransaction, type Pool } from '../../db/pool.ts';
import { asLong } from '../../db/queries.ts';
import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../../events/catalog.ts';

/** The columns of `summary_counts` that count, each with the condition of the events that it counts. */
const COUNTERS: readonly { column: keyof Counts; condition: string }[] = [
  { column: 'total', condition: 'true' },
  ...OUTCOMES.map((outcome) => ({
    column: `outcome_${outcome}` as const,
    condition: `outcome = '${outcome}'`,
  })),
  ...SEVERITIES.map((severity) => ({
    column: `severity_${severity}` as const,
    condition: `severity = '${severity}'`,
  })),
];

/** A row of the columns. */
export type Counts = Record<`outcome_${Outcome}` | `severity_${Severity}` | 'total', number>;

/** The columns. */
export const COUNTER_COLUMNS = COUNTERS.map(({ column }) => column);

/** Counts events into the columns, each `factor` times. */
export function countersSql(factor = 1): string {
  return COUNTERS.map(
    ({ column, condition }) => `${factor} * count(*) FILTER (WHERE ${condition}) AS ${column}`,
  ).join(', ');
}

/** Adds up rows of the columns. */
export const SUM_COUNTERS = COUNTER_COLUMNS.map((column) => `sum(${column})::bigint AS ${column}`).join(', ');

/** What a row of `summary_counts` counts. */
export const ROLLUP_KEY = ['scope', 'level', 'by_type', 'bucket', 'event_type'] as const;

/** What a query of events has to select for the counts, beside the scope. */
export const COUNTED_COLUMNS = '"timestamp", event_type, outcome, severity';

/**
 * The rows that are kept of a scope, as the function `count_events` of the database keeps them. Those of all types serve
 * timelines, of which only the log's are long.
 */
export const KEPT_ROLLUPS = {
  log: "('hour', true), ('day', true), ('month', true), ('hour', false), ('day', false)",
  customer: "('day', true), ('month', true)",
  customerDay: "('day', true)",
} as const;

/** The rows of `summary_counts` that events make: `events` is a query of their scope and `EVENT_PARTS`. */
export function rollupRowsOf(events: string, kept: keyof typeof KEPT_ROLLUPS): string {
  return `SELECT scope, level, by_type, date_trunc(level, hour, 'UTC') AS bucket,
      CASE WHEN by_type THEN event_type ELSE '' END AS event_type, ${SUM_COUNTERS}
    FROM (
      SELECT scope, date_trunc('hour', "timestamp", 'UTC') AS hour, event_type, ${countersSql()}
      FROM (${events}) AS events GROUP BY 1, 2, 3
    ) AS hours CROSS JOIN (VALUES ${KEPT_ROLLUPS[kept]}) AS kept (level, by_type)
    GROUP BY 1, 2, 3, 4, 5`;
}

/** A statement that takes rows, which come from a query, off the counts, and removes what gets empty. */
export function subtractRollups(rows: string): string {
  const isSame = ROLLUP_KEY.map((column) => `counts.${column} = gone.${column}`).join(' AND ');
  const differences = COUNTER_COLUMNS.map((column) => `${column} = counts.${column} - gone.${column}`);
  return `WITH gone AS MATERIALIZED (${rows}),
      emptied AS (DELETE FROM summary_counts AS counts USING gone WHERE ${isSame} AND counts.total <= gone.total)
    UPDATE summary_counts AS counts SET ${differences.join(', ')}
    FROM gone WHERE ${isSame} AND counts.total > gone.total`;
}

/** Events that a step of the counting takes at most, unless it is told otherwise; the database takes no more. */
export const MAX_COUNTED_EVENTS = 20_000;

/** What a step of the counting is bounded by, and the customers that it does. */
export interface CountOptions {
  /** Most events of the log that a step counts. */
  batch?: number;
  /** Of 256 events, so many bring the counts of their customer up to date. */
  customersPer256?: number;
  /** From so many events of a type on, the days of a customer's month are counted too. */
  dailyFrom?: number;
}

/**
 * Counts the next events of the log, in one transaction, and returns how many those were: 0 when all are counted, or
 * when another instance is counting. A function of the owner does it (`prisma/migrations/0047_counting`): the service's
 * role can have what is stored counted, and can write no count.
 */
export async function countNextEvents(
  pool: Pool,
  { batch = MAX_COUNTED_EVENTS, customersPer256 = 1, dailyFrom = 1_000 }: CountOptions = {},
): Promise<number> {
  return inTransaction(
    pool,
    async (client) => {
      // What a crash takes away is counted again: the counts and how far they go are one commit.
      await client.query('SET LOCAL synchronous_commit = off');
      const { rows } = await client.query<{ counted: number }>('SELECT count_events($1, $2, $3) AS counted', [
        batch,
        customersPer256,
        dailyFrom,
      ]);
      return rows[0]?.counted ?? 0;
    },
    SILENCE.long,
  );
}

/**
 * Takes the counts for the rest of the transaction. To be done before the head of the log is locked: whoever counts may
 * take a while, and nobody could append meanwhile.
 */
export async function lockRollups(client: PoolClient): Promise<void> {
  await client.query("SELECT FROM summary_scopes WHERE scope = 'log' FOR UPDATE");
}

/** Takes the events from position `start` to `end`, the last left out, off the counts. Needs `lockCounts`. */
export async function decrementRollups(
  client: PoolClient,
  { start, end }: { start: number; end: number },
): Promise<void> {
  const counted = (scope: string) =>
    `SELECT scope, ${COUNTED_COLUMNS} FROM audit_events JOIN summary_scopes ON scope = ${scope} AND position < counted
     WHERE position >= $1 AND position < $2`;
  for (const counts of [
    rollupRowsOf(counted("'log'"), 'log'),
    rollupRowsOf(counted("'customer/' || customer_id"), 'customer'),
  ])
    await client.query(asLong(subtractRollups(counts)), [start, end]);
}
