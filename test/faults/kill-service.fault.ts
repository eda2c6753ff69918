import { expect } from 'vitest';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { type Program, startProgram } from '../support/process.ts';
import { ADMIN_KEY } from '../support/service.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';
import { runsOf } from './runs.ts';
import { expectWritten, startWriters } from './writers.ts';

const FULL_KILLS = 100;
const WRITERS = 6;
// A kill comes so many acknowledged batches after the service is ready, and up to so many milliseconds later.
const MOST_BATCHES = 30;
const MOST_MS = 30;

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

async function start(port: string): Promise<{ program: Program; url: string }> {
  const program = startProgram('main.ts', {
    DATABASE_URL: database.url,
    DATA_DIR: dataDirOf(database.url),
    ADMIN_API_KEY: ADMIN_KEY,
    RATE_LIMIT: '0',
    PORT: port,
    SEGMENT_BITS: '12',
  });
  await program.says('Ready.');
  return { program, url: /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '' };
}

test('the service is killed with -9 under load: what it acknowledged is in the log, once', async () => {
  const kills = runsOf(FULL_KILLS);
  let { program, url } = await start('0');
  const writers = startWriters(WRITERS, () => [url]);
  for (const _ of upTo(kills)) {
    const batches = 1 + Math.floor(Math.random() * MOST_BATCHES);
    for (const __ of upTo(batches)) await writers.nextAnswer();
    const killed = program;
    setTimeout(() => killed.child.kill('SIGKILL'), Math.random() * MOST_MS);
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    ({ program, url } = await start('0'));
  }
  await writers.stop();
  program.child.kill('SIGTERM');
  expect(await program.ended).toEqual({ code: 0, signal: null });
  await expectWritten(database.url, writers);
  console.info(
    `${kills} kills of the service, ${writers.acknowledged.size} acknowledged events, refusals`,
    Object.fromEntries(writers.refusals),
  );
});
