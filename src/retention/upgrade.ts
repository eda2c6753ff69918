import { inTransaction, type Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { type AnnouncedRemoval, UPGRADE_ACTION } from '../integrity/verify/announcement.ts';
import { readRemovals } from '../integrity/verify/removal-events.ts';
import { createAppendWithin } from '../log/append-within.ts';
import { readHead } from '../log/head.ts';
import { eventAt } from '../log/prepare.ts';
import { prepareOwnEvent } from '../pipeline/own.ts';
import { noteAnnouncement, type PurgedLog, rootHashAt } from './announce.ts';
import { withLock } from './lock.ts';

/**
 * Records, once, from which position on every purge is announced with a root hash: in a log that an older version has
 * written to, with an event there. It repeats what the older version announced without one, if that did, so that whoever
 * verifies the log needs no more than this event.
 */
export async function recordUpgrade(log: PurgedLog): Promise<void> {
  const older = await prismaOn(log.pool).logHead.count({ where: { announcedFrom: null } });
  // No purge, of whatever version, moves the first position meanwhile.
  if (older > 0) await withLock(log.pool, { name: 'purge', isPatient: true }, () => recordUnderLock(log));
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
    const event = prepareOwnEvent(
      pipeline,
      {},
      {
        eventType: 'config.changed',
        action: UPGRADE_ACTION,
        description: 'every purge from here on is announced with the root hash of what was removed',
        resourceType: OWN_RESOURCE_TYPE,
        details,
      },
    );
    const position = await appendWithin(client, event);
    if ('rootHash' in details) await noteAnnouncement(client, position);
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
