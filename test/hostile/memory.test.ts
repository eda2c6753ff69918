import { afterAll, expect, vi } from 'vitest';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { runsOf } from '../support/runs.ts';
import { ADMIN_KEY, post } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

// A heap that any one of the attacks would end, if what it makes were kept or even built.
const HEAP_MB = 200;
const KEPT_BYTES = 60_000_000;
const MAX_BYTES = runsOf(16_000_000, 8_000_000);
const AT_A_TIME = runsOf(4, 2);
const DOCUMENTS = runsOf(100, 30);

let database: TestDatabase;
let service: ChildService;
let atFirst: number;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  service = await startChildService(database.url, { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` });
  await service.ask('{ auditEvents { totalCount } }');
  atFirst = await service.memory();
});
afterAll(async () => {
  await service.stop();
});

const fill = (part: string, bytes = MAX_BYTES) => part.repeat(Math.floor(bytes / part.length));
// What the last requests held is let go of when their connections are.
const nothingKept = () =>
  vi.waitFor(async () => expect((await service.memory()) - atFirst).toBeLessThan(KEPT_BYTES), 10_000);
const query = (text: string) => JSON.stringify({ query: text });
const variables = (json: string) => `{"query":"{ __typename }","variables":${json}}`;

const BODIES: Record<string, string> = {
  'arrays within arrays': variables(`{"a":${fill('[')}}`),
  'objects within objects': variables(`{"a":${fill('{"a":')}}`),
  'empty objects': variables(`{"a":[${fill('{},')}{}]}`),
  'empty arrays': variables(`{"a":[${fill('[],')}[]]}`),
  'single letters': variables(`{"a":[${fill('"a",')}"a"]}`),
  'one string': variables(`{"a":"${fill('x')}"}`),
  'a document of comments': query(fill('#\n', MAX_BYTES / 2)),
  'a document of names': query(`{ ${fill('a ')} }`),
  'a document of brackets': query(fill('{a', MAX_BYTES / 2)),
  'a document of spreads': query(`{ ${fill('...a ', MAX_BYTES / 2)} }`),
  'a document of strings': query(`{ a(b: "${fill('x')}") }`),
  'an operation name': JSON.stringify({ query: '{ __typename }', operationName: fill('x') }),
};

test.each(Object.entries(BODIES))(`%s, ${AT_A_TIME} at a time, leave nothing behind`, async (_what, body) => {
  const answers = await Promise.all(upTo(AT_A_TIME).map(() => post(service.url, body, ADMIN_KEY)));
  for (const { data, errors } of answers) {
    expect(data).toBeUndefined();
    expect(errors?.[0]?.extensions.code).toMatch(/^(BAD_USER_INPUT|QUERY_TOO_COMPLEX|OVERLOADED)$/);
  }
  await nothingKept();
});

test('many documents that take much memory, each another, are not all kept', async () => {
  const other = (n: number) =>
    `query q${n} { auditEvents(filter: { categories: [${fill('"a" ', 9_500)}] }) { totalCount } }`;
  const wrong = (n: number) =>
    `query q${n} { auditEvents(filter: { categories: [${fill('"a" ', 9_500)}] }) { wrong } }`;
  for (const n of upTo(DOCUMENTS)) {
    for (const document of [other(n), wrong(n)]) {
      const { errors } = await service.ask(document);
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  }
  await nothingKept();
}, 120_000);

test('sockets that ask for nothing but trouble', async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => connectSocket(service.url)));
  for (const { socket } of sockets) {
    socket.send(
      `{"id":"1","type":"subscribe","payload":{"query":"","variables":{"a":${fill('[', 900_000)}}}}`,
    );
  }
  for (const { closed } of sockets) expect(await closed).toBe(4400);
  await nothingKept();
});

test('subscriptions keep nothing of the long messages that began them', async () => {
  const raw = await connectSocket(service.url);
  const subscription = 'subscription { auditEvents { cursor } }';
  const ids = Array.from({ length: 90 }, (_, n) => `s${n}`);
  const open = (id: string) => ({
    type: 'subscribe',
    id,
    payload: { query: subscription, variables: { unused: fill(id, 450_000) } },
    unknown: fill(id, 450_000),
  });
  for (const id of ids) {
    raw.send(open(id));
    raw.send({ type: 'ping' });
    expect(await raw.next()).toEqual({ type: 'pong' });
  }
  await nothingKept();
  await service.ask('mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }');
  const results = [];
  for (const _ of ids) results.push(await raw.next());
  expect(new Set(results.map(({ type, id }) => `${type} ${id}`))).toEqual(
    new Set(ids.map((id) => `next ${id}`)),
  );
  raw.socket.close();
});

test('and a client of good will is served as before', async () => {
  const { data } = await service.ask('mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }');
  expect(data).toEqual({ logEvent: { status: 'RECORDED' } });
});
