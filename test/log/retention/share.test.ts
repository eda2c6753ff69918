import { expect, vi } from 'vitest';
import type { Pool } from '../../../src/db/pool.ts';
import type { TestDatabase } from '../../support/database.ts';
import { keepLog } from '../../support/log-lines.ts';
import { startService } from '../../support/service.ts';
import { test } from '../../support/test.ts';
import { logWarnings } from '../../support/write.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

async function firstPosition(): Promise<number> {
  const { rows } = await pool.query<{ first: number }>('SELECT first_position AS first FROM log_head');
  return rows[0]?.first ?? -1;
}

test('the timer removes no larger share at once than it was told; whoever asks may', async () => {
  let now = Date.now();
  const clocks = { now: () => now, databaseNow: async () => now };
  const early = await startService(database.url, {}, clocks);
  await logWarnings(early, 210);
  await early.ask('{ checkpoint { treeSize } }');
  // A month later.
  now += 31 * DAY_MS;
  await logWarnings(early, 790);
  await early.ask('{ checkpoint { treeSize } }');
  await early.stop();

  const { lines, log } = keepLog();
  const timid = await startService(database.url, { RETENTION_DAYS: '30' }, { ...clocks, log });
  const refusal = () => lines.find(({ msg }) => msg === 'retention removed nothing');
  await vi.waitFor(() => expect(refusal()).toBeDefined(), { timeout: 10_000 });
  expect(refusal()).toMatchObject({
    level: 50,
    cause: expect.stringContaining('210 of 1000 events are due, which is more than RETENTION_MAX_PERCENT=20'),
  });
  expect(await firstPosition()).toBe(0);
  await timid.stop();

  const told = await startService(
    database.url,
    { RETENTION_DAYS: '30', RETENTION_MAX_PERCENT: '21' },
    clocks,
  );
  await vi.waitFor(async () => expect(await firstPosition()).toBe(210), { timeout: 10_000 });
  now += 31 * DAY_MS;
  // With the event of the purge before.
  const { data } = await told.ask('mutation { purgeEvents(olderThanDays: 30) { purged } }');
  expect(data).toEqual({ purgeEvents: { purged: 791 } });
  await told.stop();
});
