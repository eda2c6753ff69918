import { inTransaction, type Pool } from '../../src/db/pool.ts';
import { createRedaction } from '../../src/events/redact/redact.ts';
import { createAppender } from '../../src/log/append.ts';
import { lockCounts, uncount } from '../../src/log/summary/uncount.ts';
import { wantAll } from '../../src/pipeline/filters.ts';
import { recordOwnEvent } from '../../src/pipeline/own.ts';

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
  await recordOwnEvent(
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
    await lockCounts(client);
    await uncount(client, { start: 0, end: firstPosition });
    await client.query('UPDATE log_head SET first_position = $1', [firstPosition]);
    await client.query("SELECT set_config('audit_log.purging', 'on', true)");
    await client.query('DELETE FROM audit_events WHERE position < $1', [firstPosition]);
  });
}
