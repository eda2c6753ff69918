import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../../db/pool.ts';
import { countCustomers } from './count-customers.ts';
import { addCounts, countsOf, EVENT_PARTS } from './counts.ts';

/** Events that a step of the counting takes at most, unless it is told otherwise. */
export const COUNTED_AT_ONCE = 20_000;

/** Positions, the end left out. */
export interface Range {
  start: number;
  end: number;
  /** Where the log begins: it stays there while the counts are locked. */
  first: number;
}

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
 * when another instance is counting.
 */
export async function countNext(
  pool: Pool,
  { batch = COUNTED_AT_ONCE, customersPer256 = 1, dailyFrom = 1_000 }: CountOptions = {},
): Promise<number> {
  return inTransaction(pool, async (client) => {
    // What a crash takes away is counted again: the counts and how far they go are one commit.
    await client.query('SET LOCAL synchronous_commit = off');
    const range = await takeRange(client, batch);
    if (!range) return 0;
    await countLog(client, range);
    await countCustomers(client, range, { per256: customersPer256, dailyFrom });
    return range.end - range.start;
  });
}

async function takeRange(client: PoolClient, batch: number): Promise<Range | undefined> {
  const taken = await client.query<{ counted: number }>(
    "SELECT counted FROM summary_scopes WHERE scope = 'log' FOR UPDATE SKIP LOCKED",
  );
  const counted = taken.rows[0]?.counted;
  if (counted === undefined) return undefined;
  // A statement of its own, after the lock: what is committed by now.
  const { rows } = await client.query<{ size: number; first_position: number }>(
    'SELECT size, first_position FROM log_head',
  );
  const { size = 0, first_position: first = 0 } = rows[0] ?? {};
  const start = Math.max(counted, first);
  return start < size ? { start, end: Math.min(size, start + batch), first } : undefined;
}

async function countLog(client: PoolClient, { start, end }: Range): Promise<void> {
  const events = `SELECT 'log' AS scope, ${EVENT_PARTS} FROM audit_events WHERE position >= $1 AND position < $2`;
  await client.query(addCounts(countsOf(events, 'log')), [start, end]);
  await client.query(
    `UPDATE summary_scopes SET counted = $2, earliest = least(earliest, first), latest = greatest(latest, last)
     FROM (SELECT min("timestamp") AS first, max("timestamp") AS last FROM audit_events
       WHERE position >= $1 AND position < $2 OFFSET 0) AS times
     WHERE scope = 'log'`,
    [start, end],
  );
}
