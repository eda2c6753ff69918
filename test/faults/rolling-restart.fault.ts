import { expect } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { rollingRestart } from '../support/rolling-restart.ts';
import { test } from '../support/test.ts';
import { runsOf } from './runs.ts';

const FULL_RESTARTS = 60;
const CLIENTS = 32;

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

test('two instances are restarted in turn behind a balancer: no client sees an error, and nothing is lost', async () => {
  const { recorded, ends, problems, stopMs } = await rollingRestart(
    database.url,
    runsOf(FULL_RESTARTS),
    CLIENTS,
  );
  const resets = problems.filter((problem) => problem.includes('ECONNRESET')).length;
  console.info(
    `${stopMs.length} restarts, ${recorded} acknowledged events, ${resets} resets, slowest stop ${Math.max(...stopMs)} ms`,
  );
  expect(problems).toEqual([]);
  expect([...ends.keys()]).toEqual(['200 keep-alive']);
  const pool = createPool(database.url, () => undefined, { max: 1 });
  const { rows } = await pool.query("SELECT count(*) AS events FROM audit_events WHERE action = 'kept'");
  await pool.end();
  expect(rows).toEqual([{ events: recorded }]);
});
