import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { SYSTEM_RESOURCE_TYPE } from '../../events/reserved-resource-type.ts';
import { tileReader } from '../../evidence/trees.ts';
import { readRoot } from '../../merkle/prove.ts';
import { nodesFromTiles } from '../../merkle/tile.ts';
import { emptyFrontier, rootOf } from '../../merkle/tree.ts';
import { readRemovals } from '../../verify/head.ts';
import { type AnnouncedRemoval, PURGE_ACTION, UPGRADE_ACTION } from '../../verify/removals.ts';
import { eventAt } from '../append/prepare-event.ts';
import { type Caller, type Pipeline, prepareSystemEvent } from '../append/record.ts';
import { createAppendWithin } from '../append/transactions.ts';
import { readFirstPosition } from '../head.ts';
import { decrementRollups, lockRollups } from '../summary/rollups.ts';
import { withPurgeLock } from './purge-lock.ts';

/** The number of events that one statement subtracts from the counts. */
const COUNTED_AT_ONCE = 50_000;
const HEAD_WAIT_MS = 5_000;

/** The log that a purge works on. */
export interface PurgedLog {
  /** Logs in as the owner of the tables. */
  pool: Pool;
  pipeline: Pipeline;
}

/** The range to remove: from the present first position to the new one. */
export interface Removal {
  from: number;
  firstPosition: number;
  olderThanDays: number;
}

/**
 * Announces a purge in one transaction: subtracts its events from the counts, appends the event with their range, their
 * number and the root hash of all events ever removed, and moves the first position of the log. Afterwards nobody can read
 * these events. The head, which appends wait for, is locked last and for two statements. Only purges and counting wait for
 * the counts.
 */
export async function announcePurge(
  { pool, pipeline }: PurgedLog,
  caller: Caller,
  removal: Removal,
  stop?: AbortSignal,
): Promise<void> {
  const { from, firstPosition } = removal;
  const rootHash = await rootHashAt(pool, firstPosition);
  const appendWithin = await createAppendWithin(pool);
  const announced = await inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL lock_timeout = ${HEAD_WAIT_MS}`);
    await subtractFromRollups(client, { from, to: firstPosition }, stop);
    const event = prepareSystemEvent(pipeline, caller, {
      eventType: 'data.delete',
      severity: 'warning',
      action: PURGE_ACTION,
      description: descriptionOf(removal),
      resourceType: SYSTEM_RESOURCE_TYPE,
      details: {
        purged: firstPosition - from,
        olderThanDays: removal.olderThanDays,
        from,
        firstPosition,
        rootHash,
      },
    });
    stop?.throwIfAborted();
    const position = await appendWithin(client, event);
    await moveFirstPosition(client, firstPosition);
    await storeAnnouncementPosition(client, position);
    return eventAt(event, position);
  });
  pipeline.dispatch([announced]);
}

function descriptionOf({ from, firstPosition, olderThanDays }: Removal): string {
  return `${firstPosition - from} events recorded more than ${olderThanDays} days ago were removed`;
}

/** Stores the position of the newest announcement. */
export async function storeAnnouncementPosition(client: PoolClient, position: number): Promise<void> {
  await client.query('UPDATE log_head SET announced_at = $1', [position]);
}

/** The root hash of the log's tree at a size, in hex. */
export async function rootHashAt(pool: Pool, size: number): Promise<string> {
  if (size === 0) return Buffer.from(rootOf(emptyFrontier)).toString('hex');
  return Buffer.from(await readRoot(size, nodesFromTiles(size, tileReader(prismaOn(pool), 'log')))).toString(
    'hex',
  );
}

/** Locks the counts for the rest of the transaction, and subtracts the events from `from` (inclusive) to `to` (exclusive). */
export async function subtractFromRollups(
  client: PoolClient,
  { from, to }: { from: number; to: number },
  stop?: AbortSignal,
): Promise<void> {
  await lockRollups(client);
  for (let start = from; start < to; start += COUNTED_AT_ONCE) {
    stop?.throwIfAborted();
    await decrementRollups(client, { start, end: Math.min(to, start + COUNTED_AT_ONCE) });
  }
}

/** Sets the first position of the log; rows before it may still be stored. Locks the head. */
export async function moveFirstPosition(client: PoolClient, firstPosition: number): Promise<void> {
  await client.query('UPDATE log_head SET first_position = $1', [firstPosition]);
  // Instances that hold these events in memory drop them.
  await client.query("SELECT pg_notify('audit_log', '')");
}

/**
 * Records once, in a log of an older version, the position from which on every purge is announced with a root hash. The
 * event repeats what the older version announced without a root hash, if anything, so that a verifier needs only this event.
 */
export async function recordUpgrade(log: PurgedLog): Promise<void> {
  const older = await prismaOn(log.pool).logHead.count({ where: { announcedFrom: null } });
  // Under the lock, so that no purge of any version moves the first position meanwhile.
  if (older > 0)
    await withPurgeLock(log.pool, { name: 'purge', isPatient: true }, () => recordUnderLock(log));
}

async function recordUnderLock({ pool, pipeline }: PurgedLog): Promise<void> {
  const details = await repeatAnnouncement(pool);
  const appendWithin = await createAppendWithin(pool);
  const recorded = await inTransaction(pool, async (client) => {
    await client.query("SET LOCAL lock_timeout = '10s'");
    // Another instance may have recorded it before this one got the lock.
    const marked = await client.query<{ size: number }>(
      'UPDATE log_head SET announced_from = size WHERE announced_from IS NULL RETURNING size',
    );
    const size = marked.rows[0]?.size ?? 0;
    if (size === 0) return undefined;
    const event = prepareSystemEvent(
      pipeline,
      {},
      {
        eventType: 'config.changed',
        action: UPGRADE_ACTION,
        description: 'every purge from here on is announced with the root hash of what was removed',
        resourceType: SYSTEM_RESOURCE_TYPE,
        details,
      },
    );
    const position = await appendWithin(client, event);
    if ('rootHash' in details) await storeAnnouncementPosition(client, position);
    return eventAt(event, position);
  });
  if (recorded) pipeline.dispatch([recorded]);
}

/** The details that repeat what earlier purges announced; empty when there is no announcement. */
async function repeatAnnouncement(pool: Pool): Promise<AnnouncedRemoval | Record<string, never>> {
  const firstPosition = await readFirstPosition(prismaOn(pool));
  if (firstPosition === 0) return {};
  // Here every announcement may lack a root hash.
  const removals = await inTransaction(pool, (client) => readRemovals(client, firstPosition, Infinity));
  if (!removals.find(firstPosition)) return {};
  return { purged: 0, from: firstPosition, firstPosition, rootHash: await rootHashAt(pool, firstPosition) };
}
