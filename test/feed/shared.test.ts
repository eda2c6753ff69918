import pg from 'pg';
import { expect, vi } from 'vitest';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { startProxy } from '../support/proxy.ts';
import { follow, startService, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

let database: TestDatabase;
let service: TestService;
let other: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  other = await startService(database.url);
});

const FOLLOW = graphql(`
  subscription FollowShared($after: String, $filter: AuditEventFilter) {
    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }
  }
`);

interface Seen {
  cursor: string;
  position: number;
  customerId: string | null | undefined;
}

/** The events that a subscription delivers, until there are `count`. */
async function take(
  count: number,
  variables: object = {},
  { of = service, key = undefined as string | undefined } = {},
) {
  const client = of.live(key);
  const seen: Seen[] = [];
  try {
    for await (const { auditEvents } of follow(client, FOLLOW, variables)) {
      seen.push({ cursor: auditEvents.cursor, ...auditEvents.node });
      if (seen.length === count) break;
    }
  } finally {
    await client.dispose();
  }
  return seen;
}

const positionsOf = (seen: Seen[]) => seen.map(({ position }) => position);
const opened = (count: number) =>
  vi.waitFor(() => expect(service.countSubscribers() + other.countSubscribers()).toBe(count), 20_000);

test('subscribers that ask for the same each get every event once, in order, wherever they begin', async () => {
  await logWarnings(service, 300, { prefix: 'old' });
  const before = await take(300, { after: 'beginning' });
  expect(positionsOf(before)).toEqual(upTo(300));
  const cursor = before[99]?.cursor;
  const everything = upTo(5).map(() => take(1_300, { after: 'beginning' }));
  const resumed = upTo(5).map((n) => take(1_200, { after: cursor }, { of: n % 2 ? other : service }));
  const live = upTo(10).map((n) => take(1_000, {}, { of: n % 2 ? other : service }));
  await opened(20);
  await Promise.all([
    logWarnings(service, 500, { prefix: 'one' }),
    logWarnings(other, 500, { prefix: 'two' }),
  ]);
  for (const seen of await Promise.all(everything)) expect(positionsOf(seen)).toEqual(upTo(1_300));
  for (const seen of await Promise.all(resumed)) expect(positionsOf(seen)).toEqual(upTo(1_300).slice(100));
  for (const seen of await Promise.all(live)) expect(positionsOf(seen)).toEqual(upTo(1_300).slice(300));
  await opened(0);
}, 120_000);

test('one that joins, leaves or reads nothing holds up nobody, and reads on where it was', async () => {
  const { socket, send, next } = await connectSocket(service.url);
  const query = 'subscription { auditEvents { node { position details } } }';
  send({ type: 'subscribe', id: 'slow', payload: { query } });
  await opened(1);
  socket.pause();
  const quick = take(2_000);
  await opened(2);
  const short = take(1);
  await opened(3);
  const [first] = positionsOf(await take(1, { after: 'beginning' }));
  expect(first).toBe(0);
  await logWarnings(service, 2_000, { more: { details: { text: 'x'.repeat(1_000) } } });
  const seen = positionsOf(await quick);
  expect(seen).toEqual(upTo((seen[0] as number) + 2_000).slice(seen[0]));
  expect(await short).toHaveLength(1);
  socket.resume();
  for (const position of seen) {
    const message = await next();
    expect(message).toMatchObject({ id: 'slow', type: 'next' });
    expect(message.payload).toMatchObject({ data: { auditEvents: { node: { position } } } });
  }
  socket.terminate();
  await opened(0);
}, 120_000);

test('what the rights of one let through reaches no other with the same question', async () => {
  const scopes = ['EVENTS_READ'] as const;
  const keys = await Promise.all(
    ['acme', 'acme', 'umbrella'].map((customerId, n) =>
      createKey(service, { name: `key ${n}`, scopes, customerId }),
    ),
  );
  const reading = keys.map(({ secret }) => take(50, {}, { key: secret }));
  const all = take(100);
  await opened(4);
  const customers = ['acme', 'umbrella'];
  for (const n of upTo(50)) {
    for (const customerId of customers)
      await logWarnings(service, 1, { prefix: `${n}`, more: { customerId } });
  }
  const [one, two, three] = (await Promise.all(reading)) as [Seen[], Seen[], Seen[]];
  expect(new Set(one.map(({ customerId }) => customerId))).toEqual(new Set(['acme']));
  expect(positionsOf(two)).toEqual(positionsOf(one));
  expect(new Set(three.map(({ customerId }) => customerId))).toEqual(new Set(['umbrella']));
  expect(await all).toHaveLength(100);
  await opened(0);
}, 120_000);

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return client;
}

test('a read of the log that fails ends no subscription: it goes on where it was', async () => {
  const proxy = await startProxy(database.url);
  const cutOff = await startService(proxy.url);
  const { secret } = await createKey(service, { name: 'bound', scopes: ['EVENTS_READ'], customerId: 'cut' });
  const write = () => logWarnings(service, 1, { more: { customerId: 'cut' } });
  const reading = [6, 6, 4].map((count) => take(count, {}, { key: secret, of: cutOff }));
  await vi.waitFor(() => expect(cutOff.countSubscribers()).toBe(3), 20_000);
  await write();
  // What a bound key reads is read as this role.
  const failed = new Promise<void>((resolve) => {
    proxy.onSent = (pair, bytes) => {
      if (!bytes.includes('audit_log_customer')) return undefined;
      proxy.onSent = undefined;
      pair.cut();
      resolve();
      return 0;
    };
  });
  await write();
  await failed;
  for (const _ of upTo(4)) await write();
  for (const seen of await Promise.all(reading)) {
    const [first = 0, ...rest] = positionsOf(seen);
    expect(rest).toEqual(upTo(first + seen.length).slice(first + 1));
  }
  await cutOff.stop();
  await proxy.close();
});

test('an end of the log that a notification makes up loses nothing', async () => {
  const seen = take(20);
  await opened(1);
  await logWarnings(service, 10);
  const anybody = await connect();
  for (const size of ['999999999', 'x', ''])
    await anybody.query('SELECT pg_notify($1, $2)', ['audit_log', size]);
  await anybody.end();
  await logWarnings(service, 10);
  const [first = 0, ...rest] = positionsOf(await seen);
  expect(rest).toEqual(upTo(first + 20).slice(first + 1));
});
