import type { PoolClient } from 'pg';
import type { Range } from './count.ts';
import { addCounts, countsOf, EVENT_PARTS } from './counts.ts';

interface Due {
  customer_id: string;
  counted: number;
}

/** How the customers are counted: see `CountOptions`. */
export interface CustomerOptions {
  per256: number;
  dailyFrom: number;
}

/**
 * A customer's counts may lag: its own index finds what is not in them yet. Every so many events (a leaf hash is as good
 * as a die that nobody outside can load), the customer of one is counted up to here. So a few hundred events of a customer
 * wait, whether it has most of the log or hardly any, and nobody has to remember how many.
 */
export async function countCustomers(
  client: PoolClient,
  { start, end, first }: Range,
  { per256, dailyFrom }: CustomerOptions,
): Promise<void> {
  const { rows: due } = await client.query<Due>(
    `SELECT customer_id, greatest(counted, $4) AS counted FROM (
       SELECT DISTINCT customer_id FROM audit_events
       WHERE position >= $1 AND position < $2 AND customer_id IS NOT NULL AND get_byte(leaf_hash, 0) < $3
     ) AS due LEFT JOIN summary_scopes ON scope = 'customer/' || customer_id`,
    [start, end, per256, first],
  );
  if (due.length === 0) return;
  const busyMonths = await addDue(client, due, end);
  await client.query(
    `INSERT INTO summary_scopes (scope, counted) SELECT 'customer/' || id, $2 FROM unnest($1::text[]) AS id
     ON CONFLICT (scope) DO UPDATE SET counted = greatest(summary_scopes.counted, excluded.counted)`,
    [due.map((row) => row.customer_id), end],
  );
  for (const month of busyMonths.filter(({ total }) => total >= dailyFrom))
    await addDays(client, month, { end, first });
}

interface Month {
  scope: string;
  bucket: number;
  total: number;
}

// Returns the months that got more events, with the count of the type that has most.
async function addDue(client: PoolClient, due: readonly Due[], end: number): Promise<Month[]> {
  // Each with its own constants, so that PostgreSQL knows for each whether its index or the positions are shorter.
  const parameters: unknown[] = [end];
  const events = due
    .map(({ customer_id, counted }) => {
      const last = parameters.push(customer_id, counted);
      return `SELECT 'customer/' || customer_id AS scope, ${EVENT_PARTS} FROM audit_events
        WHERE customer_id = $${last - 1} AND position >= $${last} AND position < $1`;
    })
    .join(' UNION ALL ');
  const rows = `SELECT fresh.* FROM (${countsOf(events, 'customer')}) AS fresh LEFT JOIN summary_scopes USING (scope)
    WHERE level = 'month' OR date_trunc('month', bucket, 'UTC') = ANY (daily_months)`;
  const added = await client.query<Month & { level: string }>(
    `WITH added AS (${addCounts(rows)} RETURNING scope, level, bucket, total)
     SELECT scope, bucket, max(total) AS total FROM added WHERE level = 'month' GROUP BY 1, 2`,
    parameters,
  );
  return added.rows;
}

/** Counts the days of a month too, from now on and up to here, unless that was done. */
async function addDays(
  client: PoolClient,
  { scope, bucket }: Month,
  { end, first }: Omit<Range, 'start'>,
): Promise<void> {
  const month = new Date(bucket);
  const marked = await client.query(
    `UPDATE summary_scopes SET daily_months = daily_months || $2::timestamptz
     WHERE scope = $1 AND NOT $2::timestamptz = ANY (daily_months)`,
    [scope, month],
  );
  if (marked.rowCount === 0) return;
  const events = `SELECT $1 AS scope, ${EVENT_PARTS} FROM audit_events
    WHERE customer_id = substr($1, 10) AND "timestamp" >= $2 AND position < $3 AND position >= $4
      AND "timestamp" < ($2::timestamptz AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'`;
  await client.query(addCounts(countsOf(events, 'customerDay')), [scope, month, end, first]);
}
