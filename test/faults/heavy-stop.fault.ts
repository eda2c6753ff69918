import { expect } from 'vitest';
import { startBatchClients } from '../support/batch-clients.ts';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY } from '../support/service.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';
import { runsOf } from './runs.ts';

const FULL_STOPS = 20;
const CLIENTS = 256;
const BATCH = 500;
/** How every request ends; who comes back after the stop is refused a connection. */
const ENDS = ['200 recorded', '503 OVERLOADED', '503 UNAVAILABLE', 'ECONNREFUSED'];

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

test('a service that stops under more load than it can finish ends within ten seconds, and resets no request', async () => {
  const stops = runsOf(FULL_STOPS);
  const stopMs: number[] = [];
  const all = new Map<string, number>();
  for (const _ of upTo(stops)) {
    const program = startProgram('main.ts', {
      DATABASE_URL: database.url,
      DATA_DIR: dataDirOf(database.url),
      ADMIN_API_KEY: ADMIN_KEY,
      RATE_LIMIT: '0',
      LOG_EVENTS: 'off',
    });
    await program.says('Ready.');
    const clients = startBatchClients(/http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '', CLIENTS, BATCH);
    await clients.more(CLIENTS / 4);
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    stopMs.push(Math.round(performance.now() - startMs));
    await clients.done;
    for (const [end, count] of clients.ends) all.set(end, (all.get(end) ?? 0) + count);
    expect(program.said()).not.toContain('its connections are broken');
  }
  console.info(`${stops} stops under load took ${stopMs.join(', ')} ms; requests`, Object.fromEntries(all));
  expect([...all.keys()].filter((end) => !ENDS.includes(end))).toEqual([]);
  expect(Math.max(...stopMs)).toBeLessThan(10_000);
});
