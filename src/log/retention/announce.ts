import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { SYSTEM_RESOURCE_TYPE } from '../../events/reserved-resource-type.ts';
import { tileReader } from '../../evidence/trees.ts';
import { readRoot } from '../../merkle/prove.ts';
import { nodesFromTiles } from '../../merkle/tile.ts';
import { emptyFrontier, rootOf } from '../../merkle/tree.ts';
import { type AnnouncedRemoval, PURGE_ACTION, readRemovals, UPGRADE_ACTION } from '../../verify/removals.ts';
import { eventAt } from '../append/prepare-event.ts';
import { type Caller, type Pipeline, prepareSystemEvent } from '../append/record.ts';
import { createAppendWithin } from '../append/transactions.ts';
import { readHead } from '../head.ts';
import { decrementRollups, lockRollups } from '../summary/rollups.ts';
import { withPurgeLock } from './purge-lock.ts';

/** Events that are taken off the counts by one statement. */
const COUNTED_AT_ONCE = 50_000;
const HEAD_WAIT_MS = 5_000;

/** What a purge stands on. */
export interface PurgedLog {
  /** As the owner of the tables. */
  pool: Pool;
  pipeline: Pipeline;
}

/** What is removed: from where the log began up to where it begins then. */
export interface Removal {
  from: number;
  firstPosition: number;
  olderThanDays: number;
}

/**
 * Announces a purge in one transaction: takes its events off the counts, appends the event that names their range, their
 * number and the root hash of all that was ever removed, and moves the first position of the log. From then on nobody reads
 * them. The head, which appends wait for, is taken last and for two statements; nothing else waits for the counts.
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

/** Notes where the newest announcement is. */
export async function storeAnnouncementPosition(client: PoolClient, position: number): Promise<void> {
  await client.query('UPDATE log_head SET announced_at = $1', [position]);
}

/** The root hash that the log's tree had at a size, in hex. */
export async function rootHashAt(pool: Pool, size: number): Promise<string> {
  if (size === 0) return Buffer.from(rootOf(emptyFrontier)).toString('hex');
  return Buffer.from(await readRoot(size, nodesFromTiles(size, tileReader(prismaOn(pool), 'log')))).toString(
    'hex',
  );
}

/** Locks the counts for the rest of the transaction, and takes the events from a position up to another off them. */
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

/** Lets the log begin at a position, whatever rows are still stored before it. Takes the head. */
export async function moveFirstPosition(client: PoolClient, firstPosition: number): Promise<void> {
  await client.query('UPDATE log_head SET first_position = $1', [firstPosition]);
  // Readers that hold events in memory let go of them.
  await client.query("SELECT pg_notify('audit_log', '')");
}

/**
 * Records, once, from which position on every purge is announced with a root hash: in a log that an older version has
 * written to, with an event there. It repeats what the older version announced without one, if that did, so that whoever
 * verifies the log needs no more than this event.
 */
export async function recordUpgrade(log: PurgedLog): Promise<void> {
  const older = await prismaOn(log.pool).logHead.count({ where: { announcedFrom: null } });
  // No purge, of whatever version, moves the first position meanwhile.
  if (older > 0)
    await withPurgeLock(log.pool, { name: 'purge', isPatient: true }, () => recordUnderLock(log));
}

async function recordUnderLock({ pool, pipeline }: PurgedLog): Promise<void> {
  const details = await repeatAnnouncement(pool);
  const appendWithin = await createAppendWithin(pool);
  const recorded = await inTransaction(pool, async (client) => {
    await client.query("SET LOCAL lock_timeout = '10s'");
    // Another instance may have done it before this one had the lock.
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

/** What earlier purges announced of the events that are gone; nothing when none did. */
async function repeatAnnouncement(pool: Pool): Promise<AnnouncedRemoval | Record<string, never>> {
  const { firstPosition } = await readHead(pool);
  if (firstPosition === 0) return {};
  // Those that are read here may be without a root hash.
  const removals = await inTransaction(pool, (client) => readRemovals(client, firstPosition, Infinity));
  if (!removals.find(firstPosition)) return {};
  return { purged: 0, from: firstPosition, firstPosition, rootHash: await rootHashAt(pool, firstPosition) };
}
