import { setImmediate } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { checkEvent } from '../../src/events/validate.ts';
import { createFeed, type Feed } from '../../src/feed/feed.ts';
import { createListener, GROWTH_CHANNEL } from '../../src/feed/notify-or-poll.ts';
import { type Appender, type CommitObserver, createAppender } from '../../src/log/append/appender.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';
import { readSize } from '../../src/log/head.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let pool: Pool;
let other: Appender;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  await (await startService(database.url)).stop();
  const service = { role: 'audit_log_service' } as const;
  pool = createPool(database.url, () => undefined, service);
  other = createAppender(createPool(database.url, () => undefined, service));
});

test.afterEach(() => vi.restoreAllMocks());

const fail = (error: unknown) => {
  throw error;
};

async function append(appender: Appender, ...actions: string[]): Promise<void> {
  const events = actions.map((action) =>
    prepareEvent(checkEvent({ eventType: 'data.read', action }, 'input'), Date.now(), 'input'),
  );
  await appender.append({ events, paths: actions.map(() => 'input') });
}

/** The actions of the events that come on the feed from now on. */
async function follow(feed: Feed): Promise<(string | undefined)[]> {
  const actions: (string | undefined)[] = [];
  const subscription = await feed.subscribe({ filters: [], start: 'now' });
  const read = async () => {
    for await (const { action } of subscription) actions.push(action);
  };
  read().catch(fail);
  return actions;
}

/** The statements of the pool that read events. */
function readsOf(spied: Pool): unknown[] {
  return vi
    .mocked(spied.query)
    .mock.calls.map(([statement]) => statement)
    .filter((statement) => JSON.stringify(statement).includes('FROM audit_events'));
}

function sizeOfLog(): Promise<number> {
  return readSize(pool);
}

/** Waits for what other processes do, beside other tests on a busy machine. */
function soon(check: () => void): Promise<void> {
  return vi.waitFor(check, 10_000);
}

test('no event that an instance has committed itself is read for its feed', async ({ onTestFinished }) => {
  const feed = await createFeed(pool, fail);
  const notified: (string | undefined)[] = [];
  // The hints of the listener's clock, which have no size, would lead to reads.
  const hint = (size?: string) => {
    notified.push(size);
    if (size !== undefined) feed.wake(size);
  };
  const listener = createListener({
    connectionString: database.url,
    hints: { [GROWTH_CHANNEL]: hint },
    onError: fail,
  });
  onTestFinished(async () => {
    feed.close();
    await listener.close();
  });
  await soon(() => expect(notified).toContain(undefined));
  const actions = await follow(feed);
  const appender = createAppender(pool, feed);
  const size = await sizeOfLog();
  vi.spyOn(pool, 'query');
  const names = Array.from({ length: 300 }, (_, n) => `own${n}`);
  for (const name of names) await append(appender, name);
  await soon(() => expect(actions).toEqual(names));
  await soon(() => expect(notified).toContain(String(size + names.length)));
  expect(readsOf(pool)).toEqual([]);
  await append(other, 'other');
  await soon(() => expect(actions).toEqual([...names, 'other']));
  expect(readsOf(pool)).toHaveLength(1);
});

test('while a batch is being committed, the event of another instance waits for it no longer than until it fails', async ({
  onTestFinished,
}) => {
  const feed = await createFeed(pool, fail);
  onTestFinished(() => feed.close());
  const actions = await follow(feed);
  const size = await sizeOfLog();
  feed.committing(size + 1);
  vi.spyOn(pool, 'query');
  await append(other, 'faster');
  feed.wake(String(size + 1));
  await setImmediate();
  expect(readsOf(pool)).toEqual([]);
  feed.failed();
  await soon(() => expect(actions).toEqual(['faster']));
});

test('a notification of a larger log is read at once, and so is the log when no response comes', async ({
  onTestFinished,
}) => {
  const feed = await createFeed(pool, fail);
  onTestFinished(() => feed.close());
  const actions = await follow(feed);
  const size = await sizeOfLog();
  feed.committing(size + 1);
  await append(other, 'first');
  await append(other, 'second');
  feed.wake(String(size + 1));
  feed.wake(String(size + 2));
  await soon(() => expect(actions).toEqual(['first', 'second']));
  feed.committing(size + 3);
  await append(other, 'third');
  feed.wake(String(size + 3));
  // As the listener does every four seconds.
  feed.wake();
  await soon(() => expect(actions).toEqual(['first', 'second', 'third']));
});

test('a batch behind the event of another instance, of which no notification has come, is read with it', async ({
  onTestFinished,
}) => {
  const feed = await createFeed(pool, fail);
  onTestFinished(() => feed.close());
  const actions = await follow(feed);
  const size = await sizeOfLog();
  await append(other, 'before');
  feed.committing(size + 2);
  await append(other, 'mine');
  feed.wake(String(size + 2));
  feed.committed({ start: size + 1, count: 1, events: () => [] });
  await soon(() => expect(actions).toEqual(['before', 'mine']));
});

/** What an appender told, as text. */
function observed(): { told: string[]; observer: CommitObserver } {
  const told: string[] = [];
  const observer: CommitObserver = {
    committing: (size) => told.push(`committing ${size}`),
    failed: () => told.push('failed'),
    committed: ({ start, count }) => told.push(`committed ${start} + ${count}`),
  };
  return { told, observer };
}

test('a batch that another instance has overtaken is told as failed, and then as sent again', async () => {
  const { told, observer } = observed();
  const appender = createAppender(pool, observer);
  await append(appender, 'before');
  const size = await sizeOfLog();
  expect(told.splice(0)).toEqual([`committing ${size}`, `committed ${size - 1} + 1`]);
  await append(other, 'between');
  await append(appender, 'after');
  expect(told).toEqual([
    `committing ${size + 1}`,
    'failed',
    `committing ${size + 2}`,
    `committed ${size + 1} + 1`,
  ]);
});

test('of two batches whose rows overlap, the second is told when the first is committed', async () => {
  const { told, observer } = observed();
  const appender = createAppender(pool, observer);
  await append(appender, 'before');
  const size = await sizeOfLog();
  told.length = 0;
  const many = Array.from({ length: 3_000 }, (_, n) => `many${n}`);
  await Promise.all([append(appender, ...many), append(appender, ...many)]);
  expect(told).toEqual([
    `committing ${size + 3_000}`,
    `committed ${size} + 3000`,
    `committing ${size + 6_000}`,
    `committed ${size + 3_000} + 3000`,
  ]);
});
