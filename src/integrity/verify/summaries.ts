import type { PoolClient } from 'pg';
import { countsOf, EVENT_PARTS, KEY } from '../../log/summary/counts.ts';
import { TALLY_COLUMNS } from '../../log/summary/tally.ts';
import type { Findings } from './findings.ts';

// A customer's days are kept of its busy months alone. Rows before the first position are on their way out: the purge has
// taken them off the counts.
const EXPECTED = `${countsOf(eventsOf("'log'"), 'log')}
  UNION ALL
  SELECT fresh.* FROM (${countsOf(eventsOf("'customer/' || customer_id"), 'customer')}) AS fresh
    JOIN summary_scopes USING (scope)
    WHERE level = 'month' OR date_trunc('month', bucket, 'UTC') = ANY (daily_months)`;

function eventsOf(scope: string): string {
  return `SELECT scope, ${EVENT_PARTS} FROM audit_events JOIN summary_scopes ON scope = ${scope} AND position < counted
    WHERE position >= (SELECT first_position FROM log_head)`;
}

const TALLIES = TALLY_COLUMNS.join(', ');

// Counted by PostgreSQL, which sorts on disk what does not fit into its memory: one pass over the events.
const WRONG = `SELECT scope, level, bucket, event_type AS "eventType", expected.total AS expected, stored.total AS stored,
    count(*) OVER () AS count
  FROM (${EXPECTED}) AS expected
    FULL JOIN (SELECT ${KEY.join(', ')}, ${TALLIES} FROM summary_counts) AS stored USING (${KEY.join(', ')})
  WHERE (${TALLY_COLUMNS.map((column) => `expected.${column}`).join(', ')})
    IS DISTINCT FROM (${TALLY_COLUMNS.map((column) => `stored.${column}`).join(', ')})
  ORDER BY scope, level, bucket, event_type LIMIT 1`;

/**
 * Counts the events of the log again, as far as it says that they are counted, and compares that with the counts behind
 * summaries. The events have to be known to be right.
 */
export async function checkSummaries(client: PoolClient, findings: Findings): Promise<void> {
  await checkScopes(client, findings);
  const { rows } = await client.query<{
    scope: string;
    level: string;
    bucket: number;
    expected: number | null;
    stored: number | null;
    count: number;
  }>(WRONG);
  const [wrong] = rows;
  if (!wrong) return;
  const start = Number.isFinite(wrong.bucket) ? new Date(wrong.bucket).toISOString() : 'an unknown time';
  const message =
    wrong.stored === wrong.expected
      ? `the counts of the ${wrong.level} from ${start} of "${wrong.scope}" are not those of its events`
      : `${wrong.stored ?? 0} events are counted in the ${wrong.level} from ${start} of "${wrong.scope}", and there are ${wrong.expected ?? 0}`;
  findings.add({ kind: 'summary', message }, wrong.count);
}

// How far the counts go, and between which times: a summary leaves out what lies outside of them.
async function checkScopes(client: PoolClient, findings: Findings): Promise<void> {
  const { rows } = await client.query<{ scope: string; count: number }>(
    `SELECT scope, count(*) OVER () AS count FROM summary_scopes CROSS JOIN log_head
     WHERE counted < 0 OR counted > size OR (scope = 'log' AND EXISTS (
       SELECT FROM audit_events WHERE position < counted AND ("timestamp" < earliest OR "timestamp" > latest)))
       OR (scope <> 'log' AND (earliest IS NOT NULL OR latest IS NOT NULL OR scope NOT LIKE 'customer/%'))
     UNION ALL
     SELECT 'log', 1 WHERE NOT EXISTS (SELECT FROM summary_scopes WHERE scope = 'log')
     ORDER BY 1 LIMIT 1`,
  );
  const [wrong] = rows;
  if (wrong)
    findings.add({ kind: 'summary', message: `how far "${wrong.scope}" is counted cannot be` }, wrong.count);
}
