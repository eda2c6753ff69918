import { describe, expect } from 'vitest';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { type Answer, post, type TestService } from '../support/service.ts';
import { connectSocket, type Message, openSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

// Points a minute: one is about a microsecond, so a piece or two of any work here take all of them.
const RATE_LIMIT = '100';
const TRIES = 12;
/** How many may be done before the limit holds. */
const MOST_DONE = 3;

let database: TestDatabase;
let maker: TestService;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  maker = await startService(database.url);
  service = await startService(database.url, { RATE_LIMIT });
});

const newKey = async () =>
  (await createKey(maker, { name: 'spender', scopes: ['EVENTS_READ', 'EVENTS_WRITE'] })).secret;

const fields = (count: number, name: (n: number) => string) => upTo(count).map(name).join(' ');
const LOG = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
const json = (value: unknown) => JSON.stringify(value);

// Each another text for another n, so that nothing that was found of one is known of the next.
const DOCUMENTS: Record<string, (n: number) => string> = {
  'an unknown field in many places': (n) =>
    `query q${n} { auditEvents { edges { node { ${fields(95, (at) => `...on AuditEvent { wrong${at} }`)} } } } }`,
  'fields that cannot be merged': (n) =>
    `query q${n} { ${fields(25, () => `auditEvents(first: ${n}) { ${fields(30, (at) => `totalCount@skip(if: ${at % 2 === 0})`)} }`)} }`,
  'a text that is no document': (n) => `query q${n} { ${'a { '.repeat(60)}${' a'.repeat(4_000)} `,
  'too many tokens': (n) => `query q${n} { ${fields(11_000, (at) => `a${at}`)} }`,
  'too dear an operation': (n) =>
    `query q${n} { ${fields(20, (at) => `a${at}: auditEvents(first: 1000) { edges { node { details oldValues newValues } } }`)} }`,
  'an operation that is not there': (n) =>
    `${fields(40, (at) => `query a${n}_${at} { auditEvents { edges { node { id userId action description } } } }`)}`,
};

const WIDE = '[],'.repeat(250_000);
const BODIES: Record<string, (n: number) => string> = {
  ...Object.fromEntries(
    Object.entries(DOCUMENTS).map(([name, documentOf]) => [
      name,
      (n: number) => json({ query: documentOf(n) }),
    ]),
  ),
  '900,000 elements that nobody asked for': () =>
    `{"query":"{ __typename }","variables":{"a":[${'0,'.repeat(900_000)}0]}}`,
  'elements of a wrong type': () => `{"query":${json(LOG)},"variables":{"input":[${WIDE}[]]}}`,
  'a key twice, at the end': () => `{"a":[${WIDE}[]],"query":"","query":""}`,
  'JSON that breaks off': () => `{"query":"{ __typename }","variables":[${WIDE}`,
  'more elements than there may be': () => `[${'0,'.repeat(1_100_000)}0]`,
  'no UTF-8 at the end': () => `${' '.repeat(8_000_000)}\ud800`,
};

const codeOf = (errors: unknown) =>
  (errors as { extensions: { code: string } }[] | undefined)?.[0]?.extensions.code;

/**
 * The code of the answer. The service refuses a body when nothing is left without reading it, so that a client that still
 * sends may lose that answer to the end of the connection.
 */
const codeOfPost = (body: string, key: string) =>
  post(service.url, body, key).then(
    ({ errors }) => codeOf(errors),
    (error: Error) => {
      if ((error.cause as { code?: string } | undefined)?.code === 'ECONNRESET') return 'RATE_LIMITED';
      throw error;
    },
  );

describe('work that is refused is charged to its key', () => {
  test.each(Object.entries(BODIES))('over HTTP: %s', async (_what, bodyOf) => {
    const key = await newKey();
    const codes: (string | undefined)[] = [];
    for (const n of upTo(TRIES)) codes.push(await codeOfPost(bodyOf(n), key));
    expect(codes.slice(MOST_DONE)).toEqual(Array(TRIES - MOST_DONE).fill('RATE_LIMITED'));
    expect(codes[0]).not.toBe('RATE_LIMITED');
  });

  test.each(Object.entries(DOCUMENTS))('over WebSocket: %s', async (_what, documentOf) => {
    const { socket, send, next, closed } = await connectSocket(service.url, { key: await newKey() });
    let lastType = '';
    // An operation that was refused when it was executed has a result and an end, another one an error.
    const codeOfMessage = ({ type, payload }: Message) => {
      lastType = type;
      return codeOf(type === 'next' ? (payload as Answer).errors : payload);
    };
    const codes: (string | undefined)[] = [];
    for (const n of upTo(TRIES)) {
      send({ type: 'subscribe', id: String(n), payload: { query: documentOf(n) } });
      codes.push(await next().then(codeOfMessage, () => 'RATE_LIMITED'));
      // What is large closes the socket when nothing is left.
      if (socket.readyState !== socket.OPEN) expect(await closed).toBe(1013);
      else if (lastType === 'next') await next();
    }
    socket.terminate();
    expect(codes.slice(MOST_DONE)).toEqual(Array(TRIES - MOST_DONE).fill('RATE_LIMITED'));
    expect(codes[0]).not.toBe('RATE_LIMITED');
  });

  test.each(Object.entries(DOCUMENTS))('over server-sent events: %s', async (_what, documentOf) => {
    const key = await newKey();
    const codes: (string | undefined)[] = [];
    for (const n of upTo(TRIES)) {
      const stream = await openStream(service.url, documentOf(n), {}, key);
      codes.push(codeOf(((await resultsOf(stream).next()).value as { errors?: unknown })?.errors));
      stream.disconnect();
    }
    expect(codes.slice(MOST_DONE)).toEqual(Array(TRIES - MOST_DONE).fill('RATE_LIMITED'));
  });

  test.each([
    ['pings', `{"type":"ping","payload":{"a":[${'0,'.repeat(400_000)}0]}}`],
    [
      'operations',
      `{"type":"subscribe","id":"1","payload":{"query":"","variables":{"a":[${'[],'.repeat(12_000)}0]}}}`,
    ],
    ['nonsense', `{"type":"complete","id":"1","a":[${'{},'.repeat(12_000)}0]}`],
  ])('over WebSocket: large %s, of which no more are read when nothing is left', async (_what, message) => {
    const key = await newKey();
    const { socket, closed } = await connectSocket(service.url, { key });
    for (const _ of upTo(TRIES)) socket.send(message);
    expect(await closed).toBe(1013);
  });

  test('many bodies at once are charged one after the other', async () => {
    const key = await newKey();
    const body = BODIES['900,000 elements that nobody asked for']?.(0) ?? '';
    const answers = await Promise.all(upTo(TRIES).map(() => post(service.url, body, key)));
    const done = answers.filter(({ errors }) => codeOf(errors) !== 'RATE_LIMITED');
    expect(done.length).toBeLessThanOrEqual(MOST_DONE);
  });

  test('which others do not pay', async () => {
    const key = await newKey();
    expect((await post(service.url, json({ query: '{ __typename }' }), key)).errors).toBeUndefined();
  });
});

describe('a client without a valid key', () => {
  test.each([
    ['a key', `{"type":"connection_init","payload":{"a":[${'0,'.repeat(400_000)}0]}}`],
    ['a ping', `{"type":"ping","payload":{"a":"${'x'.repeat(20_000)}"}}`],
    ['an operation', `{"type":"subscribe","id":"1","payload":{"query":"${'{a'.repeat(20_000)}"}}`],
  ])('is not read when it sends %s that is large', async (_what, message) => {
    const { socket, closed } = await openSocket(service.url);
    socket.send(message);
    expect(await closed).toBe(4400);
  });

  test('is not read on and on', async () => {
    const { socket, closed } = await openSocket(service.url);
    for (const _ of upTo(100)) socket.send('{"type":"ping"}');
    expect(await closed).toBe(4400);
  });

  test('opens a WebSocket as ever once it has one', async () => {
    const key = await newKey();
    const { socket, send, next } = await openSocket(service.url);
    send({ type: 'ping' });
    send({ type: 'connection_init', payload: { authorization: `Bearer ${key}`, pad: 'x'.repeat(8_000) } });
    expect([(await next()).type, (await next()).type]).toEqual(['pong', 'connection_ack']);
    socket.terminate();
  });
});
