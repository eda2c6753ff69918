import { SUM_TALLIES, TALLY_COLUMNS, tallyEvents } from './tally.ts';

/** What a row of `summary_counts` counts. */
export const KEY = ['scope', 'level', 'by_type', 'bucket', 'event_type'] as const;

/** What a query of events has to select for the counts, beside the scope. */
export const EVENT_PARTS = '"timestamp", event_type, outcome, severity';

/**
 * The rows that are kept of a scope, as the function `count_events` of the database keeps them. Those of all types serve
 * timelines, of which only the log's are long.
 */
export const KEPT = {
  log: "('hour', true), ('day', true), ('month', true), ('hour', false), ('day', false)",
  customer: "('day', true), ('month', true)",
  customerDay: "('day', true)",
} as const;

/** The rows of `summary_counts` that events make: `events` is a query of their scope and `EVENT_PARTS`. */
export function countsOf(events: string, kept: keyof typeof KEPT): string {
  return `SELECT scope, level, by_type, date_trunc(level, hour, 'UTC') AS bucket,
      CASE WHEN by_type THEN event_type ELSE '' END AS event_type, ${SUM_TALLIES}
    FROM (
      SELECT scope, date_trunc('hour', "timestamp", 'UTC') AS hour, event_type, ${tallyEvents()}
      FROM (${events}) AS events GROUP BY 1, 2, 3
    ) AS hours CROSS JOIN (VALUES ${KEPT[kept]}) AS kept (level, by_type)
    GROUP BY 1, 2, 3, 4, 5`;
}

/** A statement that takes rows, which come from a query, off the counts, and removes what gets empty. */
export function subtractCounts(rows: string): string {
  const isSame = KEY.map((column) => `counts.${column} = gone.${column}`).join(' AND ');
  const differences = TALLY_COLUMNS.map((column) => `${column} = counts.${column} - gone.${column}`);
  return `WITH gone AS MATERIALIZED (${rows}),
      emptied AS (DELETE FROM summary_counts AS counts USING gone WHERE ${isSame} AND counts.total <= gone.total)
    UPDATE summary_counts AS counts SET ${differences.join(', ')}
    FROM gone WHERE ${isSame} AND counts.total > gone.total`;
}
