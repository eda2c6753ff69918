import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { expectWithin } from '../support/runs.ts';
import { ADMIN_KEY, post, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { TRANSPORTS, type Transport } from './transports.ts';

const MAX_MS = 2_000;
const LOG = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const variables = (json: string) => `{"query":${JSON.stringify(LOG)},"variables":${json}}`;

// More than a message over WebSocket may hold: it is closed before anybody looks.
const LARGE: [string, string][] = [
  ['arrays 4,000,000 deep', variables(`{"input":${nested(4_000_000)}}`)],
  ['objects 1,000,000 deep', variables(`${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`)],
  ['brackets that never close', '['.repeat(8_000_000)],
  ['5,000,000 elements', variables(`{"input":[${'0,'.repeat(5_000_000)}0]}`)],
  ['1,500,000 objects', variables(`{"input":[${'{},'.repeat(1_500_000)}{}]}`)],
  [
    '1,200,000 keys',
    variables(`{${Array.from({ length: 1_200_000 }, (_, n) => `"${n.toString(36)}":0`).join(',')}}`),
  ],
  ['a string of 8 MB', variables(`{"input":"${'x'.repeat(8_000_000)}"}`)],
  ['a key of 8 MB', variables(`{"${'x'.repeat(8_000_000)}":0}`)],
  ['a string of quotes', variables(`{"input":"${'\\"'.repeat(3_000_000)}"}`)],
  ['a string that never ends', `{"query":"${'\\'.repeat(8_000_000)}`],
];

const SMALL: [string, string][] = [
  ['arrays 65 deep', variables(`{"input":${nested(65)}}`)],
  ['arrays 200,000 deep', variables(`{"input":${nested(200_000)}}`)],
  ['objects 100,000 deep', variables(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
  ['brackets that never close', '['.repeat(900_000)],
  ['brackets that never open', ']'.repeat(900_000)],
  ['no JSON', '{"query":'],
];

describe('over HTTP', () => {
  test('a long key that is there twice: an error shows its beginning', async () => {
    const key = 'x'.repeat(100_000);
    const { errors } = await post(service.url, variables(`{"${key}":0,"${key}":1}`), ADMIN_KEY);
    const beginning = `${'x'.repeat(1_000)}...`;
    expect(errors).toMatchObject([{ message: beginning, extensions: { path: beginning } }]);
  });

  test.each([...LARGE, ...SMALL])('%s: BAD_USER_INPUT at the body', async (_what, json) => {
    const start = performance.now();
    const { errors } = await post(service.url, json, ADMIN_KEY);
    expectWithin(MAX_MS, start);
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path: 'body' });
  });

  test.each([
    ['null', 'null'],
    ['a number', '1'],
    ['an array', '[]'],
    ['a text', '"{}"'],
    ['no query', '{}'],
    ['a query that is no text', '{"query":{"a":1}}'],
    ['variables that are no object', `{"query":"{ __typename }","variables":[1]}`],
    ['variables that are a text', `{"query":"{ __typename }","variables":"{}"}`],
    ['an operation name that is no text', `{"query":"{ __typename }","operationName":{}}`],
    ['nothing', ''],
  ])('%s is BAD_USER_INPUT', async (_what, json) => {
    const { data, errors } = await post(service.url, json, ADMIN_KEY);
    expect([data, errors?.[0]?.extensions.code]).toEqual([undefined, 'BAD_USER_INPUT']);
  });

  test.each([
    [
      'in details',
      '{"input":{"eventType":"DATA_READ","details":{"b":[0,{"a":1,"c":":","a":2}]}}}',
      'input.details.b[1].a',
    ],
    ['of an argument', '{"input":{"eventType":"DATA_READ","userId":"a","userId":"b"}}', 'input.userId'],
    [
      'spelled in two ways',
      '{"input":{"eventType":"DATA_READ","details":{"a":1,"\\u0061":2}}}',
      'input.details.a',
    ],
    ['with quotes in it', '{"input":{"details":{"\\"{:":1,"\\"{:":2}}}', 'input.details."{:'],
    ['of the body', '{},"variables":{}', 'variables'],
  ])('a key that is there twice, %s, is BAD_USER_INPUT with its path', async (_what, json, path) => {
    const { data, errors } = await post(service.url, variables(json), ADMIN_KEY);
    expect(data).toBeUndefined();
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path });
  });

  test.each([
    ['in different objects', '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}],"x":"\\"x\\":"}'],
    ['named as what objects have', '{"constructor":1,"toString":{"toString":2},"":{"":0}}'],
  ])('the same keys %s are recorded', async (_what, details) => {
    const json = variables(`{"input":{"eventType":"DATA_READ","details":${details}}}`);
    expect(await post(service.url, json, ADMIN_KEY)).toEqual({ data: { logEvent: { status: 'RECORDED' } } });
  });

  test.each([
    ['a lone byte', [0x22, 0xff, 0x22]],
    ['half a character', [0x22, 0xc3, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['more than Unicode has', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x22, 0x00]],
  ])('%s is no UTF-8', async (_what, bytes) => {
    const [head, tail] = variables('{"input":#}')
      .split('#')
      .map((part) => Buffer.from(part)) as [Buffer, Buffer];
    const { errors } = await post(service.url, Buffer.concat([head, Buffer.from(bytes), tail]), ADMIN_KEY);
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path: 'body' });
  });
});

describe('over WebSocket', () => {
  test.each(SMALL)('%s closes with 4400', async (_what, json) => {
    const start = performance.now();
    const { socket, closed } = await connectSocket(service.url);
    socket.send(`{"id":"1","type":"subscribe","payload":${json}}`);
    expect(await closed).toBe(4400);
    expectWithin(MAX_MS, start);
  });

  test('a key that is there twice closes with 4400', async () => {
    const { socket, closed } = await connectSocket(service.url);
    socket.send(
      '{"id":"1","type":"subscribe","payload":{"query":"{ __typename }","query":"{ __typename }"}}',
    );
    expect(await closed).toBe(4400);
  });

  test('what is larger than a message may be closes with 1009', async () => {
    const { socket, closed } = await connectSocket(service.url);
    socket.send(`{"id":"1","type":"subscribe","payload":${variables(`{"input":${nested(4_000_000)}}`)}}`);
    expect(await closed).toBe(1009);
  });

  test('a message of bytes closes with 4400, text that is no UTF-8 with 1007', async () => {
    const bytes = await connectSocket(service.url);
    bytes.socket.send(Buffer.from('{"type":"ping"}'));
    expect(await bytes.closed).toBe(4400);
    const text = await connectSocket(service.url);
    text.socket.send(Buffer.from([0x7b, 0xff, 0x7d]), { binary: false });
    expect(await text.closed).toBe(1007);
  });

  test('the reason of the close says what was wrong', async () => {
    const { socket, closed } = await connectSocket(service.url);
    const [code, reason] = await Promise.all([
      closed,
      once(socket, 'close').then(([, text]) => String(text)),
      socket.send(nested(100)),
    ]);
    expect([code, reason]).toEqual([4400, 'body: is nested deeper than 64 levels']);
  });
});

describe.each(Object.entries(TRANSPORTS))('within bounds, over %s', (_name, open) => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await open(service);
  });
  afterAll(() => transport.close());

  const logged = (input: object) => transport.ask(LOG, { input: { eventType: 'AUTH_LOGIN', ...input } });

  test.each([
    ['details too deep', { details: { a: JSON.parse(nested(40)) } }, /^input\.details\.a\[0\]/],
    ['details too wide', { details: { a: Array(10_001).fill(0) } }, /^input\.details\.a\[\d+\]$/],
    [
      'details with too many keys',
      { details: Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [n, 0])) },
      /^input\.details\.\d+$/,
    ],
    ['a text that is too long', { userId: 'x'.repeat(100_000) }, /^input\.userId$/],
    ['an event that is too large', { details: { a: 'x'.repeat(100_000) } }, /^input$/],
    ['an unknown field', { nothing: 1 }, /^input$/],
  ])('%s: BAD_USER_INPUT with the path', async (_what, input, path) => {
    const { errors } = await logged(input);
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      path: expect.stringMatching(path),
    });
    expect(errors?.[0]?.message.length).toBeLessThan(1_100);
  });

  test('what is just within is recorded', async () => {
    const { data } = await logged({ details: { a: JSON.parse(nested(31)), b: 'x'.repeat(60_000) } });
    expect(data?.logEvent).toEqual({ status: 'RECORDED' });
  });
});
