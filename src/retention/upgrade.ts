import { inTransaction } from '../db/pool.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { UPGRADE_ACTION } from '../integrity/announcement.ts';
import { createAppendWithin } from '../log/append-within.ts';
import { eventAt } from '../log/prepare.ts';
import { prepareOwnEvent } from '../pipeline/own.ts';
import type { PurgedLog } from './announce.ts';

/**
 * Records, once, from which position on every purge is announced with a root hash: in a log that an older version has
 * written to, with an event there, which tells it to whoever verifies the log offline.
 */
export async function recordUpgrade({ pool, pipeline }: PurgedLog): Promise<void> {
  const { rows } = await pool.query('SELECT FROM log_head WHERE announced_from IS NULL');
  if (rows.length === 0) return;
  const appendWithin = await createAppendWithin(pool);
  const recorded = await inTransaction(pool, async (client) => {
    await client.query("SET LOCAL lock_timeout = '10s'");
    // Another instance may have started at the same time.
    const head = await client.query<{ size: number }>(
      'SELECT size FROM log_head WHERE announced_from IS NULL FOR UPDATE',
    );
    const size = head.rows[0]?.size;
    if (size === undefined) return undefined;
    await client.query('UPDATE log_head SET announced_from = size');
    if (size === 0) return undefined;
    const event = prepareOwnEvent(
      pipeline,
      {},
      {
        eventType: 'config.changed',
        action: UPGRADE_ACTION,
        description: 'every purge from here on is announced with the root hash of what was removed',
        resourceType: OWN_RESOURCE_TYPE,
      },
    );
    return eventAt(event, await appendWithin(client, event));
  });
  if (recorded) pipeline.dispatch([recorded]);
}
