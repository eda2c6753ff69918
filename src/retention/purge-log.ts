import type { Pool } from '../db/pool.ts';
import { readHead } from '../log/head.ts';
import { type Caller, recordOwnEvent } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';
import { withPurgeLock } from './lock.ts';
import { findBoundary, removeBefore } from './purge.ts';

const DAY_MS = 86_400_000;

/** What a purge stands on. */
export interface PurgedLog {
  pool: Pool;
  pipeline: Pipeline;
}

export interface PurgeRequest {
  /** 0: everything up to now. */
  olderThanDays: number;
  /** Somebody asked for it: it waits for its turn, and is an event also when there is nothing to remove. */
  isAsked: boolean;
  /** Aborted: it ends after the batch that is being removed. */
  stop?: AbortSignal;
}

/**
 * Removes what was recorded more than so many days ago, one instance at a time, and returns how many events that were.
 * The event comes first, so that nothing is ever gone without a trace; its `firstPosition` is where the log begins
 * afterwards. A purge that is cut off is taken up by the next one, which says what was left.
 */
export async function purgeLog(
  { pool, pipeline }: PurgedLog,
  caller: Caller,
  { olderThanDays, isAsked, stop }: PurgeRequest,
): Promise<number> {
  const removed = await withPurgeLock(pool, isAsked, async () => {
    const before = olderThanDays === 0 ? Number.POSITIVE_INFINITY : pipeline.now() - olderThanDays * DAY_MS;
    const boundary = await findBoundary(pool, before);
    const { firstPosition } = await readHead(pool);
    const purged = Math.max(0, boundary - firstPosition);
    if (purged === 0 && !isAsked) return 0;
    await recordOwnEvent(pipeline, caller, {
      eventType: 'data.delete',
      severity: 'warning',
      action: 'log.purge',
      description: `${purged} events recorded more than ${olderThanDays} days ago were removed`,
      resourceType: 'audit_log',
      details: { purged, olderThanDays, firstPosition: firstPosition + purged },
    });
    return removeBefore(pool, boundary, stop);
  });
  if (removed) await tellReaders(pool);
  return removed ?? 0;
}

// The event woke them before there was anything to forget.
async function tellReaders(pool: Pool): Promise<void> {
  await pool.query("SELECT pg_notify('audit_log', '')");
}
