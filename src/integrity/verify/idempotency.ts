import type { PoolClient } from 'pg';
import type { Findings } from './findings.ts';

/** Checks that idempotency keys name events of a log of `size` events, each no more than one. */
export async function checkKeys(client: PoolClient, size: number, findings: Findings): Promise<void> {
  const outside = await client.query<{ position: number; count: number }>(
    'SELECT min(position) AS position, count(*) AS count FROM idempotency_keys WHERE position < 0 OR position >= $1',
    [size],
  );
  add(findings, outside.rows[0], 'an idempotency key is of an event that the log never had');
  const shared = await client.query<{ position: number; count: number }>(
    `SELECT min(position) AS position, count(*) AS count FROM (
       SELECT position FROM idempotency_keys GROUP BY position HAVING count(*) > 1) AS shared`,
  );
  add(findings, shared.rows[0], 'an event has two idempotency keys');
}

function add(
  findings: Findings,
  found: { position: number | null; count: number } | undefined,
  message: string,
): void {
  if (!found || found.position === null) return;
  findings.add({ kind: 'idempotency key', message: `${message} (position ${found.position})` }, found.count);
}
