import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createDatabase, dataDirOf, type TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, type Answer, post, startService } from '../support/service.ts';
import { upTo } from '../support/write.ts';

const BATCH = 300;
const WRITERS = 4;

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

async function start() {
  const program = startProgram('main.ts', {
    DATABASE_URL: database.url,
    DATA_DIR: dataDirOf(database.url),
    ADMIN_API_KEY: ADMIN_KEY,
    RATE_LIMIT: '0',
  });
  await program.says('/graphql');
  const url = /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '';
  return { program, url };
}

/** Sends batches, one after another, until the service does not answer; returns the actions that were acknowledged. */
async function writeUntilGone(url: string, writer: string, onAnswer: () => void): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let batch = 0; ; batch += 1) {
    const input = upTo(BATCH).map((n) => ({ eventType: 'DATA_READ', action: `${writer}/${batch}/${n}` }));
    const body = JSON.stringify({ query: `${LOG_EVENTS}`, variables: { input } });
    const answer: Answer | undefined = await post(url, body, ADMIN_KEY).catch(() => undefined);
    if (!answer) return acknowledged;
    expect(answer.errors).toBeUndefined();
    acknowledged.push(...input.map(({ action }) => action));
    onAnswer();
  }
}

test('what was acknowledged before kill -9 is there after the restart, once', async () => {
  const acknowledged: string[] = [];
  for (const round of upTo(2)) {
    const { program, url } = await start();
    let answers = 0;
    const writers = upTo(WRITERS).map((writer) =>
      writeUntilGone(url, `${round}/${writer}`, () => {
        answers += 1;
        if (answers === 7 + round) program.child.kill('SIGKILL');
      }),
    );
    acknowledged.push(...(await Promise.all(writers)).flat());
    await program.ended;
  }
  const service = await startService(database.url);
  const pool = createPool(database.url, () => undefined);
  const { rows } = await pool.query<{ action: string }>(
    "SELECT action FROM audit_events WHERE event_type = 'data.read'",
  );
  await pool.end();
  await service.stop();
  const stored = rows.map(({ action }) => action);
  expect(acknowledged.length).toBeGreaterThan(2 * 7 * BATCH);
  const actions = new Set(stored);
  expect(actions.size).toBe(stored.length);
  expect(acknowledged.filter((action) => !actions.has(action))).toEqual([]);
}, 120_000);
