import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client-with-deadlines.ts';
import { inTransaction, type Pool } from '../../db/pool.ts';
import { asLong } from '../../db/queries.ts';
import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../../events/catalog.ts';

/** The counter columns of `summary_counts`, each with the condition of the events that it counts. */
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

/** The values of the counter columns. */
export type Counts = Record<`outcome_${Outcome}` | `severity_${Severity}` | 'total', number>;

/** The names of the counter columns. */
export const COUNTER_COLUMNS = COUNTERS.map(({ column }) => column);

/** SQL that counts events into the counter columns, each `factor` times. */
export function countersSql(factor = 1): string {
  return COUNTERS.map(
    ({ column, condition }) => `${factor} * count(*) FILTER (WHERE ${condition}) AS ${column}`,
  ).join(', ');
}

/** SQL that sums the counter columns of rows. */
export const SUM_COUNTERS = COUNTER_COLUMNS.map((column) => `sum(${column})::bigint AS ${column}`).join(', ');

/** The primary key of `summary_counts`. */
export const ROLLUP_KEY = ['scope', 'level', 'by_type', 'bucket', 'event_type'] as const;

/** The columns that a query of events has to select for `rollupRowsOf`, in addition to the scope. */
export const COUNTED_COLUMNS = '"timestamp", event_type, outcome, severity';

/**
 * The rollups of each kind of scope, by level and whether by type, as the SQL function `count_events` keeps them. Rollups
 * across all types serve timelines, which are long only for the whole log.
 */
export const KEPT_ROLLUPS = {
  log: "('hour', true), ('day', true), ('month', true), ('hour', false), ('day', false)",
  customer: "('day', true), ('month', true)",
  customerDay: "('day', true)",
} as const;

/** SQL of the rows of `summary_counts` for events. `events` is a query that selects scope and `COUNTED_COLUMNS`. */
export function rollupRowsOf(events: string, kept: keyof typeof KEPT_ROLLUPS): string {
  return `SELECT scope, level, by_type, date_trunc(level, hour, 'UTC') AS bucket,
      CASE WHEN by_type THEN event_type ELSE '' END AS event_type, ${SUM_COUNTERS}
    FROM (
      SELECT scope, date_trunc('hour', "timestamp", 'UTC') AS hour, event_type, ${countersSql()}
      FROM (${events}) AS events GROUP BY 1, 2, 3
    ) AS hours CROSS JOIN (VALUES ${KEPT_ROLLUPS[kept]}) AS kept (level, by_type)
    GROUP BY 1, 2, 3, 4, 5`;
}

/** A statement that subtracts the rows of a query from `summary_counts`, and deletes rows that reach zero. */
export function subtractRollups(rows: string): string {
  const isSame = ROLLUP_KEY.map((column) => `counts.${column} = gone.${column}`).join(' AND ');
  const differences = COUNTER_COLUMNS.map((column) => `${column} = counts.${column} - gone.${column}`);
  return `WITH gone AS MATERIALIZED (${rows}),
      emptied AS (DELETE FROM summary_counts AS counts USING gone WHERE ${isSame} AND counts.total <= gone.total)
    UPDATE summary_counts AS counts SET ${differences.join(', ')}
    FROM gone WHERE ${isSame} AND counts.total > gone.total`;
}

/** The default and the largest number of events that one step counts. */
export const MAX_COUNTED_EVENTS = 20_000;

/** The bounds of a counting step. */
export interface CountOptions {
  /** The largest number of events that the step counts. */
  batch?: number;
  /** How many of 256 events, on average, bring the rollups of their customer up to date. */
  customersPer256?: number;
  /** A customer with at least this number of events of a type in a month also gets rollups by day for that month. */
  dailyFrom?: number;
}

/**
 * Counts the next events of the log in one transaction, and returns their number. 0: all are counted, or another instance is
 * counting. A function of the owner does it (`prisma/migrations/0047_counting`): the service's role can have stored events
 * counted, but cannot write counters.
 */
export async function countNextEvents(
  pool: Pool,
  { batch = MAX_COUNTED_EVENTS, customersPer256 = 1, dailyFrom = 1_000 }: CountOptions = {},
): Promise<number> {
  return inTransaction(
    pool,
    async (client) => {
      // A crash may lose the commit, and these events are then counted again: counters and counted position are one commit.
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
 * Locks the rollups until the transaction ends. To be called before the head is locked: a counting step may take a while, and
 * appends would have to wait for it.
 */
export async function lockRollups(client: PoolClient): Promise<void> {
  await client.query("SELECT FROM summary_scopes WHERE scope = 'log' FOR UPDATE");
}

/** Subtracts the events from position `start` to `end` (exclusive) from the rollups. Call `lockRollups` first. */
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
