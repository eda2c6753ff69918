import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createDatabase, dataDirOf, type TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { LogEventInput } from '../support/operations/generated/graphql.ts';
import { type Program, startProgram } from '../support/process.ts';
import { startProxy, type TcpProxy } from '../support/proxy.ts';
import { ADMIN_KEY, type Answer, post, QUIET, startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';

// An instance under load stops in the middle of something, by SIGSTOP or behind a network that loses every packet. Another
// one goes on writing; how long each of its appends took is measured.

const MINUTES = 60_000;
/** More than the buffers between the instance and the database hold: then a COPY is open for a while. */
const LARGE = { events: 700, text: 'x '.repeat(8_000) };
/** Each step of an instance that holds something that others need: what it does, as the database sees it. */
const STEPS = {
  'holds the head between two statements':
    "relation = 'log_head'::regclass AND state = 'idle in transaction'",
  'is in an open COPY': "query LIKE 'COPY%'",
  'holds the trees while it signs': "relation = 'trees'::regclass",
} as const;

let database: TestDatabase;
let proxy: TcpProxy;
let owner: Pool;
let other: TestService;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(database.url);
  owner = createPool(database.url, () => undefined);
  // Short segments: their making is among the steps.
  other = await startService(database.url, { SEGMENT_BITS: '12', RATE_LIMIT: '0' });
});
afterAll(async () => {
  await other.stop();
  await owner.end();
  await proxy.close();
  await database.drop();
});

async function startVictim(): Promise<{ program: Program; url: string }> {
  const program = startProgram('main.ts', {
    DATABASE_URL: proxy.url,
    DATA_DIR: dataDirOf(database.url),
    ADMIN_API_KEY: ADMIN_KEY,
    CHECKPOINT_INTERVAL_MS: '100',
    RATE_LIMIT: '0',
    ...QUIET,
  });
  await program.says('/graphql');
  return { program, url: /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '' };
}

function batch(action: string, size: number, text = ''): string {
  const input: LogEventInput[] = upTo(size).map((n) => ({
    eventType: 'DATA_READ',
    action: `${action}/${n}`,
    details: { text },
  }));
  return JSON.stringify({ query: `${LOG_EVENTS}`, variables: { input } });
}

/** Whether a connection of the victim is at the step and has been waiting for its client for a while. */
async function isAt(step: string): Promise<boolean> {
  const { rows } = await owner.query(
    `SELECT FROM pg_stat_activity JOIN pg_locks USING (pid)
     WHERE datname = current_database() AND application_name = 'graphql-audit-log' AND wait_event = 'ClientRead'
       AND locktype = 'relation' AND mode IN ('RowShareLock', 'RowExclusiveLock') AND ${step}
       AND state_change < clock_timestamp() - interval '200 ms'`,
  );
  return rows.length > 0;
}

interface Way {
  stand(): void;
  goOn(): void;
}

/** Lets the victim stand and go on until it stands at the step. */
async function strike({ stand, goOn }: Way, step: string): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    stand();
    // As long as it takes that a statement under way ends: what waits for its client then waits for ever.
    await owner.query('SELECT pg_sleep(0.35)');
    if (await isAt(step)) return;
    goOn();
    await owner.query('SELECT pg_sleep(random() * 0.1)');
  }
  throw new Error('the step was never met');
}

test.each(Object.entries(STEPS).flatMap(([name, step]) => [{ name, step }]))(
  'an instance that is stopped while it $name keeps no append of another waiting for ten seconds',
  async ({ name, step }) => {
    const { program, url } = await startVictim();
    let isOver = false;
    const load = upTo(2).map(async (writer) => {
      for (let n = 0; !isOver; n += 1)
        await post(url, batch(`${name}/${writer}/${n}`, LARGE.events, LARGE.text), ADMIN_KEY).catch(
          () => undefined,
        );
    });
    const way = { stand: () => program.child.kill('SIGSTOP'), goOn: () => program.child.kill('SIGCONT') };
    await strike(way, step);
    let longestMs = 0;
    const start = performance.now();
    while (performance.now() - start < 15_000) {
      const sent = performance.now();
      const answer: Answer<unknown> = await post(other.url, batch(`${name}/other`, 5), ADMIN_KEY);
      longestMs = Math.max(longestMs, performance.now() - sent);
      expect(answer.errors).toBeUndefined();
    }
    console.info(`stopped while it ${name}: longest append of another ${Math.round(longestMs)} ms`);
    isOver = true;
    way.goOn();
    await Promise.all(load);
    program.child.kill('SIGTERM');
    expect((await program.ended).code).toBe(0);
    expect(longestMs).toBeLessThan(10_000);
  },
  5 * MINUTES,
);

test(
  'an instance behind a network that loses every packet keeps no append of another waiting for ten seconds',
  async () => {
    const { program, url } = await startVictim();
    let isOver = false;
    const load = upTo(2).map(async (writer) => {
      for (let n = 0; !isOver; n += 1)
        await post(url, batch(`silent/${writer}/${n}`, LARGE.events, LARGE.text), ADMIN_KEY).catch(
          () => undefined,
        );
    });
    let longestMs = 0;
    for (let round = 0; round < 3; round += 1) {
      await owner.query('SELECT pg_sleep(2)');
      proxy.isSilent = true;
      const start = performance.now();
      while (performance.now() - start < 12_000) {
        const sent = performance.now();
        const answer: Answer<unknown> = await post(other.url, batch(`silent/other/${round}`, 5), ADMIN_KEY);
        longestMs = Math.max(longestMs, performance.now() - sent);
        expect(answer.errors).toBeUndefined();
      }
      // The network comes back without the connections that were open.
      for (const pair of proxy.pairs) pair.silence();
      proxy.isSilent = false;
    }
    console.info(`silent network: longest append of another ${Math.round(longestMs)} ms`);
    isOver = true;
    await Promise.all(load);
    program.child.kill('SIGTERM');
    expect((await program.ended).code).toBe(0);
    expect(longestMs).toBeLessThan(10_000);
  },
  5 * MINUTES,
);
