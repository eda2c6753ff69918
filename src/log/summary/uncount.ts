import type { PoolClient } from 'pg';
import { asLong } from '../../db/queryable.ts';
import { countsOf, EVENT_PARTS, subtractCounts } from './counts.ts';

/**
 * Takes the counts for the rest of the transaction. To be done before the head of the log is locked: whoever counts may
 * take a while, and nobody could append meanwhile.
 */
export async function lockCounts(client: PoolClient): Promise<void> {
  await client.query("SELECT FROM summary_scopes WHERE scope = 'log' FOR UPDATE");
}

/** Takes the events from position `start` to `end`, the last left out, off the counts. Needs `lockCounts`. */
export async function uncount(
  client: PoolClient,
  { start, end }: { start: number; end: number },
): Promise<void> {
  const counted = (scope: string) =>
    `SELECT scope, ${EVENT_PARTS} FROM audit_events JOIN summary_scopes ON scope = ${scope} AND position < counted
     WHERE position >= $1 AND position < $2`;
  for (const counts of [
    countsOf(counted("'log'"), 'log'),
    countsOf(counted("'customer/' || customer_id"), 'customer'),
  ])
    await client.query(asLong(subtractCounts(counts)), [start, end]);
}
