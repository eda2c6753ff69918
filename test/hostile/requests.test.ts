import { once } from 'node:events';
import { describe, expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { TestDatabase } from '../support/database.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { answerOf, codeOf, openRaw, requestText, sendRaw } from './raw.ts';

const QUERY = JSON.stringify({ query: '{ __typename }' });
const WRITE = 'mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }';
const MB = 1_048_576;
// A client that wants its connection closed may lose the answer to the end of it.
const KEPT = { connection: undefined };

let database: TestDatabase;
let service: TestService;
/** Waits so briefly for a request that a busy machine may be too slow for a whole one. */
let impatient: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { MAX_BODY_BYTES: String(MB) });
  impatient = await startService(database.url, { HEADERS_TIMEOUT_MS: '300', REQUEST_TIMEOUT_MS: '600' });
});

function post(
  headers: Record<string, string>,
  body: NonNullable<RequestInit['body']>,
  url = service.url,
): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    body,
  });
}

async function refusal(response: Response) {
  return { status: response.status, code: codeOf({ body: await response.text() }) };
}

async function countEvents(): Promise<number> {
  return dataOf(await service.ask(COUNT_EVENTS)).auditEvents.totalCount;
}

describe('a request that does not come in time', () => {
  test.each([
    ['headers', 'POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\n'],
    ['a first line', 'PO'],
    ['a body', requestText({ 'content-length': '100' }, '{"query"')],
    ['a chunk', requestText({ 'content-length': undefined, 'transfer-encoding': 'chunked' }, '5\r\n{"que')],
  ])('%s that never end are TIMEOUT', async (_what, beginning) => {
    const answer = await sendRaw(impatient.url, beginning);
    expect([answer.status, codeOf(answer)]).toEqual([408, 'TIMEOUT']);
    expect(answer.headers).toMatchObject({ connection: 'close', 'x-content-type-options': 'nosniff' });
  });

  test('a body that trickles is TIMEOUT, and is not waited for', async () => {
    const socket = await openRaw(impatient.url);
    const answer = answerOf(socket);
    socket.write(requestText({ 'content-length': '10000' }, '{'));
    const trickle = setInterval(() => socket.write(' '), 50);
    expect(codeOf(await answer)).toBe('TIMEOUT');
    clearInterval(trickle);
  });
});

describe('what is no request', () => {
  test.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400, 'BAD_USER_INPUT'],
    ['no host', 'GET /graphql HTTP/1.1\r\nconnection: close\r\n\r\n', 400, undefined],
    ['another expectation', requestText({ expect: 'a-miracle' }, '{}'), 417, 'BAD_USER_INPUT'],
    ['two lengths', requestText({ 'Content-Length': '3' }, '{}'), 400, 'BAD_USER_INPUT'],
    [
      'a length and chunks (smuggling)',
      requestText({ 'transfer-encoding': 'chunked' }, '0\r\n\r\nGET / HTTP/1.1\r\n\r\n'),
      400,
      'BAD_USER_INPUT',
    ],
    ['headers of 20 kB', requestText({ 'x-a': 'x'.repeat(20_000) }), 431, 'PAYLOAD_TOO_LARGE'],
    [
      '5,000 headers',
      requestText(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`a${n}`, 'b']))),
      431,
      'PAYLOAD_TOO_LARGE',
    ],
  ])('%s is refused', async (_what, bytes, status, code) => {
    const answer = await sendRaw(service.url, bytes);
    expect(answer.status).toBe(status);
    if (code) expect(codeOf(answer)).toBe(code);
  });
});

describe('the host', () => {
  const hosts = (host: string | undefined, url = service.url) => sendRaw(url, requestText({ host }, QUERY));

  test.each([
    '127.0.0.1',
    '127.0.0.1:4000',
    'localhost',
    'LOCALHOST:1',
    '[::1]:4000',
    'app.localhost',
    '127.9.9.9',
  ])('%s is this machine', async (host) => {
    expect((await hosts(host)).status).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.0.1',
    'a b',
    '%%%',
    '"',
    '',
    'localhost@evil.example',
    '127.0.0.1:99999',
  ])('"%s" is not', async (host) => {
    const answer = await hosts(host);
    expect([answer.status, codeOf(answer)]).toEqual([421, 'FORBIDDEN']);
    expect(answer.body).not.toContain('at ');
  });

  // Node 20 refuses to make an address of it, and Node 24 does.
  test('that is no address everywhere is refused where it is none', async () => {
    const host = 'xn--a.localhost';
    expect((await hosts(host)).status).toBe(URL.canParse(`http://${host}`) ? 200 : 421);
  });

  test('is checked of pages, files and sockets too, not of health', async () => {
    const get = (path: string) =>
      sendRaw(
        service.url,
        `GET ${path} HTTP/1.1\r\nhost: evil.example\r\naccept: text/html\r\nconnection: close\r\n\r\n`,
      );
    for (const path of ['/', '/graphql', '/export/x', '/checkpoint', '/nothing'])
      expect((await get(path)).status, path).toBe(421);
    expect((await get('/health/live')).status).toBe(200);
  });

  test('may be one of ALLOWED_HOSTS', async () => {
    const named = await startService(database.url, { ALLOWED_HOSTS: 'Audit.example, other.example' });
    expect((await hosts('audit.example:443', named.url)).status).toBe(200);
    expect((await hosts('evil.example', named.url)).status).toBe(421);
    await named.stop();
  });

  test('on all addresses may be any, unless there are ALLOWED_HOSTS', async () => {
    const open = await startService(database.url, { HOST: '0.0.0.0' });
    expect((await hosts('anything.example', open.url.replace('0.0.0.0', '127.0.0.1'))).status).toBe(200);
    await open.stop();
    const named = await startService(database.url, { HOST: '0.0.0.0', ALLOWED_HOSTS: 'audit.example' });
    expect((await hosts('127.0.0.1', named.url.replace('0.0.0.0', '127.0.0.1'))).status).toBe(421);
    await named.stop();
  });
});

describe('a header that decides something', () => {
  const twice = (first: string, name: string, values: readonly string[]) => {
    const lines = {
      host: '127.0.0.1',
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
    };
    const others = Object.entries(lines).filter(([other]) => other !== name.toLowerCase());
    const headers = [...others, ...values.map((value) => [name, value])];
    return sendRaw(
      service.url,
      `${first} HTTP/1.1\r\n${headers.map(([key, value]) => `${key}: ${value}\r\n`).join('')}` +
        `content-length: ${QUERY.length}\r\nconnection: close\r\n\r\n${QUERY}`,
    );
  };

  test.each([
    ['host', ['127.0.0.1', 'evil.example']],
    ['host', ['evil.example', '127.0.0.1']],
    ['Host', ['127.0.0.1', '127.0.0.1']],
    ['host', ['127.0.0.1', '']],
    ['authorization', [`Bearer ${ADMIN_KEY}`, 'Bearer another-key-0123456789']],
    ['content-type', ['application/json', 'text/plain']],
    ['origin', ['http://127.0.0.1', 'https://evil.example']],
  ])('%s is refused when it stands twice: %j', async (name, values) => {
    for (const first of [
      'POST /graphql',
      'GET /health/live',
      'GET /checkpoint',
      'OPTIONS /graphql',
      'GET /export/x',
    ]) {
      const answer = await twice(first, name, values);
      expect([answer.status, codeOf(answer)], first).toEqual([400, 'BAD_USER_INPUT']);
    }
    const upgrading = `GET /graphql HTTP/1.1\r\n${values.map((value) => `${name}: ${value}\r\n`).join('')}`;
    const host = name.toLowerCase() === 'host' ? '' : 'host: 127.0.0.1\r\n';
    const answer = await sendRaw(
      service.url,
      `${upgrading}${host}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n',
    );
    expect([answer.status, codeOf(answer)]).toEqual([400, 'BAD_USER_INPUT']);
  });

  test('once is answered as ever, also with a target that names a host', async () => {
    expect((await twice('POST /graphql', 'host', ['127.0.0.1'])).status).toBe(200);
    expect((await twice('POST http://evil.example/graphql', 'host', ['127.0.0.1'])).status).toBe(404);
  });
});

describe('what a browser can be made to send without asking is refused', () => {
  const form = `query=${encodeURIComponent(WRITE)}`;
  const multipart = `--b\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query: WRITE })}\r\n--b--\r\n`;
  test.each([
    ['application/x-www-form-urlencoded', form],
    ['multipart/form-data; boundary=b', multipart],
    ['text/plain', JSON.stringify({ query: WRITE })],
    ['text/plain; application/json', JSON.stringify({ query: WRITE })],
    ['application/graphql', WRITE],
    ['application/jsonp', JSON.stringify({ query: WRITE })],
    ['application/json; charset=utf-16', JSON.stringify({ query: WRITE })],
    ['', JSON.stringify({ query: WRITE })],
  ])('a body of type "%s"', async (type, body) => {
    const before = await countEvents();
    const response = await post(type === '' ? {} : { 'content-type': type }, Buffer.from(body));
    expect(await refusal(response)).toEqual({ status: 415, code: 'BAD_USER_INPUT' });
    expect(await countEvents()).toBe(before);
  });

  test('a compressed body', async () => {
    const response = await post({ 'content-type': 'application/json', 'content-encoding': 'gzip' }, QUERY);
    expect(await refusal(response)).toEqual({ status: 415, code: 'BAD_USER_INPUT' });
  });

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])('%s', async (method) => {
    const before = await countEvents();
    const url = `${service.url}/graphql?query=${encodeURIComponent(WRITE)}`;
    const response = await fetch(url, { method, headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const allowed = method === 'GET' ? 'POST' : 'GET, POST';
    expect([response.status, response.headers.get('allow')]).toEqual([405, allowed]);
    expect(await countEvents()).toBe(before);
  });

  test.each(['text/html', 'image/*', 'application/json; charset=utf-16', 'application/xml, text/plain'])(
    'a mutation whose client accepts "%s" is not executed',
    async (accept) => {
      const before = await countEvents();
      const response = await post(
        { 'content-type': 'application/json', accept },
        JSON.stringify({ query: WRITE }),
      );
      expect(await refusal(response)).toEqual({ status: 406, code: 'BAD_USER_INPUT' });
      expect(await countEvents()).toBe(before);
    },
  );

  test.each(['*/*', 'application/*', 'text/html, */*;q=0.1', 'application/json; charset=UTF-8'])(
    'a query whose client accepts "%s" is answered',
    async (accept) => {
      expect((await post({ 'content-type': 'application/json', accept }, QUERY)).status).toBe(200);
    },
  );

  test('a batch of operations', async () => {
    const response = await post({ 'content-type': 'application/json' }, `[${QUERY},${QUERY}]`);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', path: 'body' } }],
    });
  });

  test.each([0, 1_001])('a batch of %s events', async (count) => {
    const before = await countEvents();
    const input = Array.from({ length: count }, () => ({ eventType: 'AUTH_LOGIN' }));
    const { errors } = await service.ask(
      'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
      { input },
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'input' });
    expect(await countEvents()).toBe(before);
  });

  test('JSON with a charset is fine', async () => {
    expect((await post({ 'content-type': 'Application/JSON; charset=UTF-8' }, QUERY)).status).toBe(200);
  });
});

describe('pages of other origins', () => {
  const EVIL = { origin: 'https://evil.example' };
  const preflight = (url: string, origin: string) =>
    fetch(`${url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
  const allowed = (response: Response) => response.headers.get('access-control-allow-origin');

  test('may not ask, and not read', async () => {
    const asked = await preflight(service.url, EVIL.origin);
    expect(allowed(asked)).toBeNull();
    expect(await refusal(asked)).toEqual({ status: 403, code: 'FORBIDDEN' });
    expect(allowed(await post({ 'content-type': 'application/json', ...EVIL }, QUERY))).toBeNull();
  });

  test('may when they are in CORS_ORIGINS, and no others', async () => {
    const open = await startService(database.url, { CORS_ORIGINS: 'https://app.example' });
    const asked = await preflight(open.url, 'https://app.example');
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
    const answered = await post(
      { 'content-type': 'application/json', origin: 'https://app.example' },
      QUERY,
      open.url,
    );
    const page = await fetch(`${open.url}/graphql`, {
      headers: { accept: 'text/html', origin: 'https://app.example' },
    });
    const unknown = await fetch(`${open.url}/nothing`, { headers: { origin: 'https://app.example' } });
    for (const response of [answered, page, unknown]) {
      expect(allowed(response)).toBe('https://app.example');
      expect(response.headers.get('access-control-expose-headers')).toContain('retry-after');
      expect(response.headers.get('vary')?.split(', ')).toContain('origin');
    }
    expect((await preflight(open.url, EVIL.origin)).status).toBe(403);
    expect(await upgrade(open.url, { origin: 'https://app.example' })).toBe('open');
    expect(await upgrade(open.url, EVIL)).toBe(403);
    await open.stop();
  });

  test.each([
    ['none', {}, 'open'],
    ['its own', { origin: 'http://127.0.0.1' }, 'open'],
    ['another', EVIL, 403],
    ['another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['a file', { origin: 'null' }, 403],
    ['nonsense', { origin: '%' }, 403],
    ['another host', { host: 'evil.example' }, 421],
  ])('may not open a WebSocket: %s', async (_what, headers, expected) => {
    expect(await upgrade(service.url, { host: '127.0.0.1', ...headers })).toBe(expected);
  });

  test('the legacy subprotocol is not spoken', async () => {
    const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, ['graphql-ws']);
    const [error] = await once(socket, 'error');
    expect((error as Error).message).toMatch(/subprotocol/);
  });
});

/** What becomes of the opening of a WebSocket: `open`, or the status of the refusal. */
function upgrade(url: string, headers: Record<string, string>): Promise<'open' | number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws'], { headers });
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.once('unexpected-response', (_request, response) => {
      expect(response.headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8' });
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}

describe('bodies', () => {
  test('that say they are too large are not read', async () => {
    const answer = await sendRaw(service.url, requestText({ ...KEPT, 'content-length': '99999999999' }, '{'));
    expect([answer.status, codeOf(answer)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  test('that turn out to be too large, and never end', async () => {
    const socket = await openRaw(service.url);
    const answer = answerOf(socket);
    socket.write(requestText({ ...KEPT, 'content-length': undefined, 'transfer-encoding': 'chunked' }));
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    let sent = 0;
    const sendMore = () => {
      sent += chunk.length;
      if (!socket.destroyed) socket.write(chunk, sendMore);
    };
    sendMore();
    const { status, body } = await answer;
    expect([status, codeOf({ body })]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(sent).toBeGreaterThan(MB);
  });

  test('of strangers are not read at all', async () => {
    const answer = await sendRaw(
      service.url,
      requestText({ ...KEPT, authorization: undefined, 'content-length': '900000' }, '{'),
    );
    expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  });
});

/**
 * Takes the only place of a service with a request whose last byte is missing, until another request is refused for it.
 * While the other one has the place, it is this one that is refused, and it is sent again.
 */
async function holdPlace(
  url: string,
  headers: Record<string, string>,
  isRefused: () => Promise<boolean>,
): Promise<{ finish(): Promise<number> }> {
  for (;;) {
    const socket = await openRaw(url);
    const answer = answerOf(socket);
    let isAnswered = false;
    const answered = answer.then(() => {
      isAnswered = true;
    });
    socket.write(requestText({ ...headers, 'content-length': String(QUERY.length) }, QUERY.slice(0, -1)));
    while (!isAnswered)
      if (await isRefused())
        return {
          async finish() {
            socket.write(QUERY.slice(-1));
            return (await answer).status;
          },
        };
    await answered;
    socket.destroy();
  }
}

describe('too many requests at once', () => {
  test('are OVERLOADED with Retry-After; health is still answered, and the next one after', async () => {
    const busy = await startService(database.url, { MAX_REQUESTS: '1' });
    const ask = () => post({ 'content-type': 'application/json' }, QUERY, busy.url);
    let second = await ask();
    const first = await holdPlace(busy.url, {}, async () => {
      second = await ask();
      return second.status !== 200;
    });
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await second.json()).toMatchObject({
      errors: [{ extensions: { code: 'OVERLOADED', retryAfterMs: 1_000 } }],
    });
    expect((await fetch(`${busy.url}/health/ready`)).status).toBe(200);
    expect(await first.finish()).toBe(200);
    expect((await ask()).status).toBe(200);
    await busy.stop();
  });

  test('are OVERLOADED over WebSocket too, and whatever they say that they accept; streams are not counted', async () => {
    const busy = await startService(database.url, { MAX_REQUESTS: '1' });
    const { socket, send, next } = await connectSocket(busy.url);
    const FEED = 'subscription { auditEvents { cursor } }';
    const stream = await openStream(busy.url, FEED);
    expect(stream.status).toBe(200);
    const accept = 'text/event-stream, application/json';
    const ask = async () => {
      send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
      const { payload } = await next();
      await next();
      return payload as { errors?: { extensions: object }[] };
    };
    let answer = await ask();
    const half = await holdPlace(busy.url, { accept }, async () => {
      answer = await ask();
      return answer.errors !== undefined;
    });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 1_000 });
    const other = await fetch(`${busy.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}`, accept },
      body: QUERY,
    });
    expect(await refusal(other)).toEqual({ status: 503, code: 'OVERLOADED' });
    expect(await half.finish()).toBe(200);
    await vi.waitFor(async () => expect((await ask()).errors).toBeUndefined(), 10_000);
    stream.disconnect();
    socket.terminate();
    await busy.stop();
  });

  // Node tells only the first of them that the connection is gone.
  test.each(['reset', 'closed'])(
    'that wait in line on a connection hold nothing once it is %s',
    async (how) => {
      const busy = await startService(database.url, { MAX_REQUESTS: '6' });
      const feed = requestText(
        { ...KEPT, accept: 'text/event-stream' },
        JSON.stringify({ query: 'subscription { auditEvents { cursor } }' }),
      );
      const line = [feed, feed, ...Array<string>(5).fill(requestText(KEPT, QUERY))].join('');
      const socket = await openRaw(busy.url);
      socket.write(line);
      await once(socket, 'data');
      await vi.waitFor(() => expect(busy.countSubscribers()).toBe(2), 10_000);
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
      await vi.waitFor(() => expect(busy.countSubscribers()).toBe(0), 10_000);
      const ask = () => post({ 'content-type': 'application/json' }, QUERY, busy.url);
      const statuses = async () => (await Promise.all(Array.from({ length: 6 }, ask))).map((r) => r.status);
      await vi.waitFor(async () => expect(await statuses()).toEqual(Array(6).fill(200)), 10_000);
      await busy.stop();
    },
  );

  test('the bodies of streams that are open do not count', async () => {
    const body = `${JSON.stringify({ query: 'subscription { auditEvents { cursor } }' })}${' '.repeat(900_000)}`;
    const streams: Response[] = [];
    for (let n = 0; n < 10; n += 1)
      streams.push(await post({ 'content-type': 'application/json', accept: 'text/event-stream' }, body));
    expect(streams.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await post({ 'content-type': 'application/json' }, QUERY)).status).toBe(200);
    for (const stream of streams) await stream.body?.cancel();
  });

  test('connections are closed at once', async () => {
    const busy = await startService(database.url, { MAX_CONNECTIONS: '1' });
    const first = await openRaw(busy.url);
    const second = await openRaw(busy.url);
    expect((await answerOf(second)).status).toBeNaN();
    first.destroy();
    await busy.stop();
  });
});

test('bodies that arrive at once have a bound together', async () => {
  const small = await startService(database.url, { MAX_BODY_BYTES: '1024' });
  const halves = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = await openRaw(small.url);
      const answer = answerOf(socket);
      socket.write(
        requestText({ ...KEPT, 'content-length': '1024' }, `{"query":"{ __typename }"${' '.repeat(900)}`),
      );
      return { socket, answer };
    }),
  );
  const refused = await Promise.race(halves.map(({ answer }) => answer));
  expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([503, 'OVERLOADED', '1']);
  for (const { socket } of halves) socket.destroy();
  await small.stop();
});

describe('every answer', () => {
  const ANSWERS: [string, RequestInit?][] = [
    ['/'],
    ['/', { headers: { accept: 'text/html' }, redirect: 'manual' }],
    ['/graphql', { headers: { accept: 'text/html' } }],
    ['/graphql', { method: 'POST', body: QUERY, headers: { 'content-type': 'application/json' } }],
    [
      '/graphql',
      {
        method: 'POST',
        body: QUERY,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
      },
    ],
    ['/health/live'],
    ['/health/ready'],
    ['/health/nothing'],
    ['/checkpoint'],
    ['/tile/0/000', { headers: { authorization: `Bearer ${ADMIN_KEY}` } }],
    ['/export/nonsense'],
    ['/nothing'],
    ['/graphql/nothing'],
  ];
  test.each(ANSWERS)(
    '%s has the security headers, its request id, and no name of what runs it',
    async (path, init) => {
      const { headers } = await fetch(service.url + path, init ?? {});
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
      expect(headers.get('x-powered-by') ?? headers.get('server')).toBeNull();
    },
  );

  test('bears the id that the client gave, when it is one', async () => {
    const idFor = async (given: string) =>
      (await fetch(`${service.url}/health/live`, { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      );
    expect(await idFor('trace-1:2.3_4')).toBe('trace-1:2.3_4');
    for (const given of ['a b', '<script>', 'x'.repeat(129), '{"level":60}'])
      expect(await idFor(given)).toMatch(/^[\da-f-]{36}$/);
  });
});

test('GraphiQL can be closed', async () => {
  const closed = await startService(database.url, { GRAPHIQL: 'false' });
  const page = await fetch(`${closed.url}/graphql`, { headers: { accept: 'text/html' } });
  expect([page.status, await page.text()]).not.toContain('<html');
  expect(page.status).toBeGreaterThanOrEqual(400);
  await closed.stop();
});
