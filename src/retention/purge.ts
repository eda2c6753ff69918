import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../db/pool.ts';
import { readLatestCheckpoint } from '../integrity/checkpoints.ts';
import { readHead } from '../log/head.ts';
import { lockCounts, uncount } from '../log/summary/uncount.ts';

const BATCH = 5_000;

/**
 * Where the log would begin without its oldest events, up to the first that was recorded at `before` (milliseconds since
 * 1970; infinity: up to now) or later. What is in no signed checkpoint yet stays.
 */
export async function findBoundary(pool: Pool, before: number): Promise<number> {
  const signed = (await readLatestCheckpoint(pool, 'log'))?.treeSize ?? 0;
  if (before === Number.POSITIVE_INFINITY) return signed;
  const { rows } = await pool.query<{ position: number }>(
    'SELECT position FROM audit_events WHERE recorded_at >= $1 ORDER BY position LIMIT 1',
    [new Date(before)],
  );
  return Math.min(signed, rows[0]?.position ?? signed);
}

/**
 * Removes the events before the position `boundary`: whole segments by dropping them, the rest in small transactions,
 * until `stop` is aborted. Returns how many were removed. The leaves stay part of the tree; idempotency keys stay too,
 * so that a late retry records nothing.
 */
export async function removeBefore(pool: Pool, boundary: number, stop?: AbortSignal): Promise<number> {
  let purged = 0;
  while (!stop?.aborted) {
    const removed = await inTransaction(pool, (client) => removeNext(client, boundary));
    if (removed === 0) break;
    purged += removed;
  }
  return purged;
}

// The head says first what is no longer there, so that a reader never takes a hole for the end. It is locked as late as
// can be, since appends wait for it; whoever has the counts is the only one to move its first position.
async function removeNext(client: PoolClient, boundary: number): Promise<number> {
  await lockCounts(client);
  const { firstPosition, segmentBits } = await readHead(client);
  if (firstPosition >= boundary) return 0;
  const length = 2 ** segmentBits;
  const segment = Math.floor(firstPosition / length);
  const isWhole = (segment + 1) * length <= boundary;
  const end = isWhole ? (segment + 1) * length : Math.min(boundary, firstPosition + BATCH);
  await uncount(client, { start: firstPosition, end });
  await client.query('UPDATE log_head SET first_position = $1', [end]);
  if (isWhole) await client.query(`DROP TABLE audit_segments.s${String(segment).padStart(8, '0')}`);
  else await deleteRange(client, firstPosition, end);
  return end - firstPosition;
}

async function deleteRange(client: PoolClient, start: number, end: number): Promise<void> {
  await client.query("SELECT set_config('audit_log.purging', 'on', true)");
  await client.query('DELETE FROM audit_events WHERE position >= $1 AND position < $2', [start, end]);
}
