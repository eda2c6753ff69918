import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { tileReader } from '../integrity/tiles.ts';
import { PURGE_ACTION } from '../integrity/verify/announcement.ts';
import { createAppendWithin } from '../log/append-within.ts';
import { eventAt } from '../log/prepare.ts';
import { lockCounts, uncount } from '../log/summary/uncount.ts';
import { readRoot } from '../merkle/proof.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import { emptyFrontier, rootOf } from '../merkle/tree.ts';
import { type Caller, prepareOwnEvent } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';

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
    await takeOffCounts(client, { from, to: firstPosition }, stop);
    const event = prepareOwnEvent(pipeline, caller, {
      eventType: 'data.delete',
      severity: 'warning',
      action: PURGE_ACTION,
      description: descriptionOf(removal),
      resourceType: OWN_RESOURCE_TYPE,
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
    await noteAnnouncement(client, position);
    return eventAt(event, position);
  });
  pipeline.dispatch([announced]);
}

function descriptionOf({ from, firstPosition, olderThanDays }: Removal): string {
  return `${firstPosition - from} events recorded more than ${olderThanDays} days ago were removed`;
}

/** Notes where the newest announcement is. */
export async function noteAnnouncement(client: PoolClient, position: number): Promise<void> {
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
export async function takeOffCounts(
  client: PoolClient,
  { from, to }: { from: number; to: number },
  stop?: AbortSignal,
): Promise<void> {
  await lockCounts(client);
  for (let start = from; start < to; start += COUNTED_AT_ONCE) {
    stop?.throwIfAborted();
    await uncount(client, { start, end: Math.min(to, start + COUNTED_AT_ONCE) });
  }
}

/** Lets the log begin at a position, whatever rows are still stored before it. Takes the head. */
export async function moveFirstPosition(client: PoolClient, firstPosition: number): Promise<void> {
  await client.query('UPDATE log_head SET first_position = $1', [firstPosition]);
  // Readers that hold events in memory let go of them.
  await client.query("SELECT pg_notify('audit_log', '')");
}
