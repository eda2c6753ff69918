import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { findBoundary } from '../../../src/log/retention/boundary.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { keepLog, type LogLine } from '../../support/log-lines.ts';
import { startService } from '../../support/service.ts';
import { backdateCheckpoints, signLog } from '../../support/sign.ts';
import { logWarnings } from '../../support/write.ts';

const DAY_MS = 86_400_000;
const SETTINGS = { RETENTION_DAYS: '365', RETENTION_MAX_PERCENT: '100' };

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  const service = await startService(database.url);
  await logWarnings(service, 500);
  await service.stop();
});
afterAll(async () => {
  await pool.end();
  // Its events were given other times.
  await database.drop({ isTampered: true });
});

let lines: LogLine[];
let log: ReturnType<typeof keepLog>['log'];
beforeEach(() => {
  ({ lines, log } = keepLog());
});

async function firstPosition(): Promise<number> {
  const { rows } = await pool.query<{ first: number }>('SELECT first_position AS first FROM log_head');
  return rows[0]?.first ?? -1;
}

const refusal = () => lines.find(({ msg }) => msg === 'retention removed nothing');
const untilRefused = () => vi.waitFor(() => expect(refusal()).toBeDefined(), { timeout: 10_000 });
const ahead = (days: number) => () => Date.now() + days * DAY_MS;

test('an instance whose clock is far ahead removes nothing and says why', async () => {
  const service = await startService(database.url, SETTINGS, { now: ahead(400), log });
  await untilRefused();
  expect(refusal()).toMatchObject({ cause: expect.stringMatching(/clocks .* differ by 34560000 s/) });
  const purge = (days: number) => service.ask(`mutation { purgeEvents(olderThanDays: ${days}) { purged } }`);
  for (const days of [365, 0])
    expect((await purge(days)).errors?.[0]?.extensions).toEqual({
      code: 'UNAVAILABLE',
      retryAfterMs: 60_000,
    });
  await service.stop();
  expect(await firstPosition()).toBe(0);
});

test('a database whose clock is far ahead does not remove anything either', async () => {
  const databaseNow = async () => ahead(400)();
  const service = await startService(database.url, SETTINGS, { databaseNow, log });
  await untilRefused();
  await service.stop();
  expect(await firstPosition()).toBe(0);
});

test('a minute is no difference, and more is one', async () => {
  for (const [offsetMs, isRefused] of [
    [-55_000, false],
    [55_000, false],
    [-65_000, true],
    [65_000, true],
  ] as const) {
    const service = await startService(database.url, {}, { now: () => Date.now() + offsetMs });
    const { errors } = await service.ask('mutation { purgeEvents(olderThanDays: 36500) { purged } }');
    await service.stop();
    expect(errors !== undefined, `${offsetMs}`).toBe(isRefused);
  }
});

test('what an instance with a clock far behind has recorded is as young as its checkpoint', async () => {
  const behind = () => Date.now() - 400 * DAY_MS;
  const service = await startService(database.url, {}, { now: behind });
  await logWarnings(service, 50);
  await service.stop();
  await signLog(database.url);
  const { rows } = await pool.query('SELECT FROM audit_events WHERE recorded_at < $1', [
    new Date(behind() + DAY_MS),
  ]);
  expect(rows.length).toBeGreaterThanOrEqual(50);
  expect(await findBoundary(pool, 0, Date.now() - 365 * DAY_MS)).toBe(0);
  expect(await findBoundary(pool, 0, Number.POSITIVE_INFINITY)).toBeGreaterThan(550);
});

test('nor is what was signed while the clock of the database was far behind older than its own time', async () => {
  await backdateCheckpoints(pool, Date.now() - 400 * DAY_MS);
  const service = await startService(database.url);
  await logWarnings(service, 10);
  await service.stop();
  await backdateCheckpoints(pool, Date.now() - 400 * DAY_MS);
  expect(await findBoundary(pool, 0, Date.now() - 365 * DAY_MS)).toBe(0);
});

test('of the checkpoints of that age the last one counts, wherever it stands', async () => {
  const sizes = await pool.query<{ size: number }>(
    "SELECT tree_size AS size FROM checkpoints WHERE tree = 'log' ORDER BY 1",
  );
  const client = await pool.connect();
  await client.query("SET session_replication_role = 'replica'");
  await client.query("UPDATE audit_events SET recorded_at = '2020-01-01' WHERE true");
  for (const [age, { size }] of sizes.rows.entries()) {
    await client.query("UPDATE checkpoints SET signed_at = $1 WHERE tree = 'log' AND tree_size = $2", [
      new Date(Date.UTC(2021, age)),
      size,
    ]);
  }
  for (const [age, { size }] of sizes.rows.entries()) {
    if (size === 0) continue;
    expect(await findBoundary(pool, 0, Date.UTC(2021, age) + 1)).toBe(size);
  }
  client.release(true);
});
