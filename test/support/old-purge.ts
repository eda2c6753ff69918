import { inTransaction, type Pool } from '../../src/db/pool.ts';
import { createRedaction } from '../../src/events/redact/redact.ts';
import { createAppender } from '../../src/log/append/appender.ts';
import { wantAll } from '../../src/log/append/extensions.ts';
import { recordSystemEvent } from '../../src/log/append/record.ts';
import { decrementRollups, lockRollups } from '../../src/log/summary/rollups.ts';

/** Purges the events before a position of a log that begins at 0 as an older version did it, with its form of the event. */
export async function purgeAsBefore(pool: Pool, firstPosition: number): Promise<void> {
  const pipeline = {
    filters: wantAll,
    redaction: createRedaction({ hashKey: Buffer.alloc(32) }),
    appender: createAppender(pool),
    readPositions: async () => new Map(),
    dispatch: () => undefined,
    now: Date.now,
  };
  await recordSystemEvent(
    pipeline,
    {},
    {
      eventType: 'data.delete',
      severity: 'warning',
      action: 'log.purge',
      description: `${firstPosition} events recorded more than 30 days ago were removed`,
      resourceType: 'audit_log',
      details: { purged: firstPosition, olderThanDays: 30, firstPosition },
    },
  );
  await inTransaction(pool, async (client) => {
    await lockRollups(client);
    await decrementRollups(client, { start: 0, end: firstPosition });
    await client.query('UPDATE log_head SET first_position = $1', [firstPosition]);
    await client.query("SELECT set_config('audit_log.purging', 'on', true)");
    await client.query('DELETE FROM audit_events WHERE position < $1', [firstPosition]);
  });
}
