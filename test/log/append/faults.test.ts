import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { AuditError } from '../../../src/errors.ts';
import { checkEvent } from '../../../src/events/validate.ts';
import { type Appender, createAppender } from '../../../src/log/append/appender.ts';
import type { AssignedPosition } from '../../../src/log/append/batch.ts';
import { Committer } from '../../../src/log/append/committer.ts';
import { type PreparedEvent, prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { startService } from '../../support/service.ts';
import { upTo } from '../../support/write.ts';

let database: TestDatabase;
let owner: Pool;
const pools: Pool[] = [];

beforeAll(async () => {
  database = await createDatabase();
  // Its own events, and segments of 1,024 events: batches go over their ends.
  await (await startService(database.url, { SEGMENT_BITS: '10' })).stop();
  owner = createPool(database.url, () => undefined);
});
afterAll(async () => {
  await Promise.all([...pools, owner].map((pool) => pool.end()));
  // This also verifies the whole log, from its head down to every leaf.
  await database.drop();
});

function instance(): Pool {
  const pool = createPool(database.url, () => undefined, { role: 'audit_log_service' });
  pools.push(pool);
  return pool;
}

function prepared(keys: readonly string[]): PreparedEvent[] {
  return keys.map((key) =>
    prepareEvent(
      checkEvent({ eventType: 'data.read', action: key, idempotencyKey: key }, 'input'),
      Date.now(),
      'input',
    ),
  );
}

/** Appends again and again while the answer is UNAVAILABLE, as a client does. */
async function untilAppended(appender: Appender, keys: readonly string[]): Promise<AssignedPosition[]> {
  for (;;) {
    try {
      return await appender.append({ events: prepared(keys), paths: [] });
    } catch (error) {
      expect(error).toBeInstanceOf(AuditError);
      expect((error as AuditError).code).toBe('UNAVAILABLE');
    }
  }
}

const MOST_ENDED = 30;

/** Ends backends of the instances until `work` is done, the next one when the log has grown; returns how many. */
async function endBackendsDuring(work: Promise<unknown>, condition: string): Promise<number> {
  let isRunning = true;
  const running = work.finally(() => {
    isRunning = false;
  });
  let ended = 0;
  let size = -1;
  while (isRunning && ended < MOST_ENDED) {
    const { rows } = await owner.query<{ size: number; ended: number }>(
      `SELECT size, (SELECT count(pg_terminate_backend(pid)) FROM (
         SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND size <> $1 AND ${condition} ORDER BY random() LIMIT 1) AS one) AS ended FROM log_head`,
      [size],
    );
    ended += rows[0]?.ended ?? 0;
    if (rows[0]?.ended) size = rows[0].size;
  }
  await running;
  return ended;
}

async function positionsOf(keys: readonly string[]): Promise<Map<string, number[]>> {
  const { rows } = await owner.query<{ action: string; position: number }>(
    'SELECT action, position FROM audit_events WHERE action = ANY($1)',
    [keys],
  );
  const positions = new Map<string, number[]>();
  for (const { action, position } of rows)
    positions.set(action, [...(positions.get(action) ?? []), position]);
  return positions;
}

test.each([
  ['that copy', "query LIKE 'COPY%' AND state = 'active'"],
  ['whatever they do', 'true'],
])(
  'two instances under load lose their connections %s: nothing lost, nothing doubled',
  async (name, condition) => {
    const appenders = [createAppender(instance()), createAppender(instance())];
    const requests = upTo(30).map((request) =>
      upTo(50 + ((request * 37) % 400)).map((n) => `${name}/${request}/${n}`),
    );
    const answers = Promise.all(
      requests.map((keys, index) => untilAppended(appenders[index % 2] as Appender, keys)),
    );
    const ended = await endBackendsDuring(answers, condition);
    expect(ended).toBeGreaterThan(0);
    const stored = await positionsOf(requests.flat());
    const placed = (await answers).map((placements) => placements.map(({ position }) => [position]));
    expect(requests.map((keys) => keys.map((key) => stored.get(key)))).toEqual(placed);
  },
);

test('a batch behind one that is committing: in order, duplicates of what is on its way, conflicts alone', async () => {
  const committer = new Committer(instance());
  await committer.start([{ events: prepared(['warm']), paths: [] }]).done;
  const first = committer.start([{ events: prepared(upTo(500).map((n) => `lane/${n}`)), paths: [] }]);
  await first.isAhead;
  const conflicting = prepareEvent(
    checkEvent({ eventType: 'data.read', action: 'other', idempotencyKey: 'lane/7' }, 'input'),
    Date.now(),
    'input',
  );
  const second = committer.start([
    { events: prepared(['lane/499', 'lane/500']), paths: [] },
    { events: [conflicting], paths: ['input'] },
  ]);
  const [ahead] = await first.done;
  const [behind, refused] = await second.done;
  const start = (ahead as AssignedPosition[])[0]?.position as number;
  expect(behind).toEqual([
    { position: start + 499, isNew: false },
    { position: start + 500, isNew: true },
  ]);
  expect(refused).toMatchObject({ code: 'CONFLICT', path: 'input.idempotencyKey' });
});

test('a batch behind one that fails goes again, in its order', async () => {
  const committer = new Committer(instance());
  await committer.start([{ events: prepared(['warm again']), paths: [] }]).done;
  const keys = upTo(600).map((n) => `failing/${n}`);
  const first = committer.start([{ events: prepared(keys.slice(0, 300)), paths: [] }]);
  await first.isAhead;
  const second = committer.start([{ events: prepared(keys.slice(300)), paths: [] }]);
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
       AND pid <> pg_backend_pid() AND query LIKE 'COPY%'`,
  );
  const placed = [await first.done, await second.done].flatMap(([one]) => one as AssignedPosition[]);
  const start = placed[0]?.position as number;
  expect(placed).toEqual(upTo(600).map((n) => ({ position: start + n, isNew: true })));
});

test('another instance that is faster: both go on, neither waits for the other for ever', async () => {
  const [one, two] = [new Committer(instance()), new Committer(instance())];
  const placed: AssignedPosition[] = [];
  for (const round of upTo(10)) {
    const started = [one, two].map((committer, n) => {
      const of = (part: string) => [
        { events: prepared(upTo(40).map((i) => `${part}/${round}/${n}/${i}`)), paths: [] },
      ];
      const first = committer.start(of('race'));
      return { first, second: first.isAhead.then(() => committer.start(of('behind')).done) };
    });
    for (const { first, second } of started) {
      for (const answer of [await first.done, await second])
        placed.push(...answer.flatMap((all) => all as AssignedPosition[]));
    }
  }
  const positions = placed.map(({ position }) => position).sort((a, b) => a - b);
  expect(positions).toEqual(upTo(10 * 160).map((n) => (positions[0] as number) + n));
});

/** Runs statements as no trigger sees them. */
async function behindTriggers(...statements: string[]): Promise<void> {
  await owner.query(
    ['BEGIN', 'SET LOCAL session_replication_role = replica', ...statements, 'COMMIT'].join('; '),
  );
}

test('a batch whose time is over when another instance has taken its position is UNAVAILABLE: it may be sent again', async () => {
  const committer = new Committer(instance());
  const append = (key: string) => committer.start([{ events: prepared([key]), paths: [] }]).done;
  await append('known');
  const { rows } = await owner.query<{ size: number }>('SELECT size FROM log_head');
  const size = rows[0]?.size ?? 0;
  await behindTriggers(
    `INSERT INTO audit_events SELECT (jsonb_populate_record(event, '{"position": ${size}, "id": "taken"}')).*
       FROM audit_events AS event WHERE position = ${size - 1}`,
  );
  const now = performance.now.bind(performance);
  let lateMs = 0;
  // As after a process was suspended.
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    lateMs += 20_000;
    return now() + lateMs;
  });
  await expect(append('late')).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: { code: '23505' } });
  clock.mockRestore();
  await behindTriggers(`DELETE FROM audit_events WHERE position = ${size}`);
  expect((await append('late')).flat()).toMatchObject([{ position: size, isNew: true }]);
});

test('what nobody waits for any more is not sent: it is refused with its reason, and the rest is recorded', async () => {
  const appender = createAppender(instance());
  const holder = await owner.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM log_head FOR UPDATE');
  const append = (key: string, signal?: AbortSignal) =>
    appender.append({ events: prepared([key]), paths: [], signal });
  const first = append('in flight');
  await expect
    .poll(async () => {
      const { rows } = await owner.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return rows.length;
    })
    .toBe(1);
  const over = new AbortController();
  const refused = append('unwanted', over.signal).catch((error) => error);
  const wanted = append('wanted', new AbortController().signal);
  const reason = new AuditError('UNAVAILABLE', 'over');
  over.abort(reason);
  await holder.query('ROLLBACK');
  holder.release();
  expect([...(await first), ...(await wanted)].map(({ isNew }) => isNew)).toEqual([true, true]);
  expect(await refused).toBe(reason);
  expect((await positionsOf(['in flight', 'unwanted', 'wanted'])).has('unwanted')).toBe(false);
  expect(appender.state().oldestWaitMs).toBe(0);
});
