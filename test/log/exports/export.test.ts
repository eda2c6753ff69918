import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { beforeAll, describe, expect, vi } from 'vitest';
import { openExport } from '../../../src/cli/export.ts';
import { clientFrom } from '../../../src/client/graphql-client.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { createKey } from '../../auth/create-key.ts';
import { openRaw } from '../../hostile/raw.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { LEAF_HASHES } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { ExportFormat } from '../../support/operations/generated/graphql.ts';
import type { VariablesOf } from '../../support/operations/types.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';
import { logWarnings, upTo } from '../../support/write.ts';
import { readCsv } from './csv-reader.ts';
import { open } from './download.ts';

let database: TestDatabase;
let service: TestService;
let pool: Pool;
let later = 0;
const logged: string[] = [];

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line).msg) });
  service = await startService(database.url, {}, { log, now: () => Date.now() + later });
  pool = createPool(database.url, () => undefined);
  await service.ask(LOG, { input: EVENTS });
});

const LOG = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
const LINK = graphql(`
  query LinkWithOptions($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) {
  auditExport(format: $format, filter: $filter, delimiter: $delimiter, byteOrderMark: $byteOrderMark) { url expiresAt }
  }
`);
const FIRST_COLUMNS =
  'id,timestamp,event_type,outcome,severity,user_id,customer_id,resource_type,resource_id,action,description,ip_address';

const PLAIN = {
  timestamp: '2024-02-29T12:00:00.123Z',
  eventType: 'DATA_UPDATE',
  outcome: 'DENIED',
  severity: 'ERROR',
  userId: 'auth0|42',
  customerId: 'acme',
  sessionId: 's-1',
  requestId: 'r-1',
  ipAddress: '2001:db8::1',
  userAgent: 'curl/8.0',
  resourceType: 'invoice',
  resourceId: 'inv-7',
  action: 'update',
  description: 'changed the total',
  details: { b: [1, 2.5, -3], a: { text: 'x,"y"\n' }, no: null },
  oldValues: { total: 1 },
  newValues: { total: 2 },
};
const after =
  (mark: string) =>
  (text: string): [string, string] => [text, mark + text];
const AWKWARD = [
  'a "quoted" word',
  '"',
  'one, two, three',
  'two\nlines',
  'two\r\nlines',
  'a return\ralone',
  ',"\n",',
  ' spaces at both ends ',
  'emoji 🦊, ümlaut, 中文',
];
// What a spreadsheet would take for a formula, and how it is written.
const FORMULAS: [string, string][] = [
  ...['=1+1', '+1', '-1', '@SUM(A1)', '＝1', '＋1', '－1', '＠1', '﹦1', '−1'].map(after("'")),
  ...['  =1', '\u00a0+1', '\u200b-1', '\ufeff=1', '"=1', "'=1", '\u{e0001}=1'].map(after("'")),
  after("'")("\"-1+cmd|' /C calc'!A0"),
  // Some readers drop a tab or a line break that comes first.
  ['\t1', "'\t1"],
  // Where a reader takes something else for the end of a cell or a row, the formula begins there.
  ['\t=1', "'\t'=1"],
  ['\r=1', "'\r'=1"],
  ['\n=1', "'\n'=1"],
  [';=1', ";'=1"],
  ['; \u200b"=1', ';\' \u200b"=1'],
  [',=1', ",'=1"],
  [' ,, =1', " ,,' =1"],
  ['text;=1;+2', "text;'=1;'+2"],
  ['line\n=1\tcell\t@2', "line\n'=1\tcell\t'@2"],
];
const HARMLESS = ['a=1', 'a,=1', '1-2', '2024-01-01', '🦊=1', 'a; b=1', '😀;x', ';'];
const EVENTS = [
  PLAIN,
  ...[...AWKWARD, ...HARMLESS, ...FORMULAS.map(([text]) => text)].map((description) => ({
    eventType: 'DATA_READ',
    description,
    details: { text: `;${description}`, numbers: [1, -2] },
  })),
];

type Variables = VariablesOf<typeof LINK>;

async function link(format: ExportFormat, filter: Variables['filter'] = null, key?: string) {
  return dataOf(await service.ask(LINK, { format, filter }, key)).auditExport;
}

async function fileOf(format: ExportFormat, filter: Variables['filter'] = null): Promise<string> {
  const { response, whole } = await open((await link(format, filter)).url);
  expect(response.statusCode).toBe(200);
  return (await whole()).toString();
}

const statusOf = async (url: string, method?: string) =>
  (await open(url, method === undefined ? {} : { method })).response.statusCode;

async function leafHashes(): Promise<string[]> {
  const { auditEvents } = dataOf(await service.ask(LEAF_HASHES));
  return auditEvents.edges.map(({ node }) => node.leafHash);
}

const hashOf = (line: string) => createHash('sha256').update(`\0${line}`).digest('hex');

describe('the three formats', () => {
  test('an NDJSON line is the bytes behind the leaf hash, in log order', async () => {
    const lines = (await fileOf('NDJSON')).trimEnd().split('\n');
    expect(lines.map(hashOf)).toEqual(await leafHashes());
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      v: 1,
      timestamp: PLAIN.timestamp,
      event_type: 'data.update',
      outcome: 'denied',
      severity: 'error',
      ip_address: PLAIN.ipAddress,
      details: PLAIN.details,
      new_values: PLAIN.newValues,
    });
  });

  test('JSON holds the same records', async () => {
    const lines = (await fileOf('NDJSON')).trimEnd().split('\n');
    expect(JSON.parse(await fileOf('JSON'))).toEqual(lines.map((line) => JSON.parse(line)));
    expect(JSON.parse(await fileOf('JSON', { userId: 'nobody' }))).toEqual([]);
  });

  test('CSV has its columns in order and says the same as the records', async () => {
    const text = await fileOf('CSV', { userId: PLAIN.userId });
    expect(text.slice(0, text.indexOf('\n'))).toBe(
      `${FIRST_COLUMNS},session_id,user_agent,request_id,details,old_values,new_values,recorded_at,position,leaf_hash`,
    );
    const record = JSON.parse(await fileOf('NDJSON', { userId: PLAIN.userId }));
    const [row, ...more] = readCsv(text);
    expect(more).toEqual([]);
    const { v: _v, salt: _salt, ...columns } = record;
    expect({
      ...row,
      details: JSON.parse(row?.details ?? ''),
      old_values: JSON.parse(row?.old_values ?? ''),
      new_values: JSON.parse(row?.new_values ?? ''),
    }).toEqual({ ...columns, position: '0', leaf_hash: (await leafHashes())[0] });
    expect(await fileOf('CSV', { userId: 'nobody' })).toBe(text.slice(0, text.indexOf('\n') + 1));
  });

  test('CSV survives quotes, commas and line ends, and holds no formula', async () => {
    const rows = readCsv(await fileOf('CSV')).slice(1);
    const descriptions = rows.map(({ description }) => description);
    expect(descriptions).toEqual([...AWKWARD, ...HARMLESS, ...FORMULAS.map(([, written]) => written)]);
    for (const row of rows)
      for (const value of Object.values(row))
        expect(value.replace(/^[\s\p{C}"]*/u, '')).not.toMatch(/^[=+\-@＝＋－＠]/);
    // An apostrophe does no harm to JSON.
    for (const { details } of rows) expect(JSON.parse(details ?? '')).toMatchObject({ numbers: [1, -2] });
  });

  // Where the decimal sign is a comma, Excel splits at semicolons; quotes within what it takes for a cell do not count.
  test.each([';', '\t'])(
    'CSV that is split at %j, whatever is in quotes, holds no formula',
    async (separator) => {
      const cells = (await fileOf('CSV')).split(/[\r\n]/).flatMap((line) => line.split(separator));
      for (const cell of cells) expect(cell).not.toMatch(/^[\s\p{C}"`]*[=+\-@＝＋－＠﹦−]/u);
    },
  );
});

describe('CSV for spreadsheets', () => {
  const textOf = async (options: Omit<Variables, 'format'>) => {
    const { url } = dataOf(await service.ask(LINK, { format: 'CSV', ...options })).auditExport;
    return (await (await open(url)).whole()).toString();
  };

  test('begins with a byte order mark when it is asked for', async () => {
    const plain = await textOf({});
    expect(await textOf({ byteOrderMark: true })).toBe(`\ufeff${plain}`);
    expect(await textOf({ byteOrderMark: null, delimiter: null })).toBe(plain);
  });

  test.each([';', '\t', '|'])('divided by %j says the same as with commas', async (delimiter) => {
    const rows = readCsv(await textOf({ delimiter }), delimiter);
    const usual = readCsv(await textOf({}));
    const bare = (text = '') => text.replaceAll("'", '');
    const said = (some: Record<string, string>[]) =>
      some.map(({ description, details, ...row }) => ({
        ...row,
        description: bare(description),
        details: JSON.parse(bare(details)) as unknown,
      }));
    expect(said(rows)).toEqual(said(usual));
    for (const { details } of rows.slice(1))
      expect(JSON.parse(details ?? '')).toHaveProperty('numbers', [1, -2]);
  });

  test.each([
    [';', [',', '\t']],
    ['\t', [',', ';', '\t']],
    ['|', [',', ';', '\t']],
  ])(
    'divided by %j, and split by a reader at another character, holds no formula',
    async (delimiter, splits) => {
      const text = await textOf({ delimiter });
      for (const row of readCsv(text, delimiter))
        for (const value of Object.values(row))
          expect(value.replace(/^[\s\p{C}"]*/u, '')).not.toMatch(/^[=+\-@＝＋－＠]/);
      for (const separator of splits) {
        const cells = text.split(/[\r\n]/).flatMap((line) => line.split(separator));
        // A number in JSON, behind which a comma or a bracket ends what could be one.
        for (const cell of cells) expect(cell).not.toMatch(/^[\s\p{C}"`]*(?!-\d+[\]}])[=+\-@＝＋－＠﹦−]/u);
      }
    },
  );

  test.each([
    [{ delimiter: ':' }, 'delimiter'],
    [{ delimiter: '' }, 'delimiter'],
    [{ delimiter: ',,' }, 'delimiter'],
    [{ format: 'JSON' as const, delimiter: ';' }, 'delimiter'],
    [{ format: 'NDJSON' as const, byteOrderMark: true }, 'byteOrderMark'],
  ])('%j is refused', async (options, path) => {
    const { errors } = await service.ask(LINK, { format: 'CSV', ...options });
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path });
  });

  test('on the command line', async () => {
    const client = clientFrom({ AUDIT_LOG_URL: service.url, AUDIT_LOG_KEY: ADMIN_KEY });
    const file = await openExport(client, { format: 'csv', delimiter: 'semicolon', byteOrderMark: true });
    let text = '';
    for await (const chunk of file) text += String(chunk);
    expect(text.startsWith('\ufeffid;timestamp;event_type;')).toBe(true);
  });
});

describe('the answer', () => {
  test.each([
    ['NDJSON', 'application/x-ndjson', 'ndjson'],
    ['JSON', 'application/json', 'json'],
    ['CSV', 'text/csv; charset=utf-8', 'csv'],
  ] as const)('%s is a file with a name, and is kept nowhere on the way', async (format, type, extension) => {
    const { response, disconnect } = await open((await link(format)).url);
    expect(response.headers).toMatchObject({
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(response.headers['content-disposition']).toMatch(
      new RegExp(String.raw`^attachment; filename="audit-events-\d{4}-\d\d-\d\dT\d{6}Z\.${extension}"$`),
    );
    disconnect();
  });

  test.each([
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['gzip; q=0.0, *', false],
    ['identity', false],
    ['notgzip', false],
    ['', false],
  ])('to accept-encoding "%s" is compressed: %s', async (accepted, isGzip) => {
    const { url } = await link('NDJSON');
    const { response, whole } = await open(url, { headers: { 'accept-encoding': accepted } });
    expect(response.headers['content-encoding']).toBe(isGzip ? 'gzip' : undefined);
    expect(response.headers.vary).toBe('accept-encoding');
    const body = await whole();
    expect(String(isGzip ? gunzipSync(body) : body)).toBe(await fileOf('NDJSON'));
  });

  test('to HEAD has the same headers and no body, other methods are refused', async () => {
    const { url } = await link('CSV');
    const { response, whole } = await open(url, { method: 'HEAD' });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-disposition']).toContain('.csv');
    expect((await whole()).length).toBe(0);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const refused = await fetch(url, { method });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    }
  });
});

describe('a link', () => {
  test('that was altered in any character is refused', async () => {
    const { url } = await link('CSV');
    const start = url.indexOf('/export/') + '/export/'.length;
    const other = (character: string) => (character === 'A' ? 'B' : 'A');
    const next = (character: string) => String.fromCharCode(character.charCodeAt(0) + 1);
    const altered = upTo(url.length - start).flatMap((n) => {
      const [before, character, after] = [
        url.slice(0, start + n),
        url[start + n] ?? '',
        url.slice(start + n + 1),
      ];
      return [before + other(character) + after, before + next(character) + after, before + after];
    });
    altered.push(`${url}A`, `${url}=`, `${url}.`, `${url}?x`, `${url}/`, url.slice(0, start));
    for (let n = 0; n < altered.length; n += 20) {
      const statuses = await Promise.all(altered.slice(n, n + 20).map((address) => statusOf(address)));
      expect(new Set(statuses)).toEqual(new Set([403]));
    }
    expect(await statusOf(url, 'HEAD')).toBe(200);
  });

  test('is valid for five minutes', async () => {
    const { url, expiresAt } = await link('CSV');
    try {
      later = Date.parse(expiresAt) - Date.now() - 20_000;
      expect(await statusOf(url, 'HEAD')).toBe(200);
      later += 20_001;
      expect(await statusOf(url, 'HEAD')).toBe(403);
    } finally {
      later = 0;
    }
  });

  test('ends with its key', async () => {
    const { key, secret } = await createKey(service, { name: 'exporter', scopes: ['EVENTS_EXPORT'] });
    const { url } = await link('CSV', null, secret);
    expect(await statusOf(url, 'HEAD')).toBe(200);
    await service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: key.id });
    expect(await statusOf(url, 'HEAD')).toBe(403);
  });

  test('shows a bound key its own customer only', async () => {
    const { secret } = await createKey(service, {
      name: 'bound',
      scopes: ['EVENTS_EXPORT'],
      customerId: 'acme',
    });
    const { url } = await link('CSV', {}, secret);
    const rows = readCsv((await (await open(url)).whole()).toString());
    expect(rows.map(({ customer_id }) => customer_id)).toEqual(['acme']);
  });

  test('says nothing of its filter, its key or its customer, to whoever reads it on the way', async () => {
    const filter = { userId: 'alice@example.org', customerId: 'acme' };
    const links = await Promise.all([1, 2].map(() => link('CSV', filter)));
    for (const { url } of links) {
      const text = url.slice(url.indexOf('/export/') + '/export/'.length);
      expect(Buffer.from(text, 'base64url').toString('latin1')).not.toMatch(/alice|acme|admin|filters|CSV/);
      // Not CSV: once in some thousand links, three letters stand in the base64 by chance.
      expect(text).not.toMatch(/alice|acme|admin|filters/);
      expect(text).toMatch(/^[\w-]+$/);
      expect(await statusOf(url, 'HEAD')).toBe(200);
    }
    expect(links[0]?.url).not.toBe(links[1]?.url);
  });

  test('works on every instance on the database, and on no other', async () => {
    const [second, elsewhere] = await Promise.all([startService(database.url), createDatabase()]);
    const foreign = await startService(elsewhere.url);
    const { pathname } = new URL((await link('CSV')).url);
    expect(await statusOf(second.url + pathname, 'HEAD')).toBe(200);
    expect(await statusOf(foreign.url + pathname, 'HEAD')).toBe(403);
    await Promise.all([second.stop(), foreign.stop()]);
    await elsewhere.drop();
  });

  test('is not made for a filter that is too large for it', async () => {
    const filter = { details: { text: 'x'.repeat(7_000) } };
    const { errors } = await service.ask(LINK, { format: 'CSV', filter });
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path: 'filter' });
    const fitting = await link('CSV', { details: { text: 'x'.repeat(4_000) } });
    expect(await statusOf(fitting.url, 'HEAD')).toBe(200);
  });
});

describe('while a file is read', () => {
  const TEXT = 'x'.repeat(20_000);
  const LARGE = 1_000;
  /** How many files of a key are sent at a time. */
  const MOST_FILES = 8;
  let size: number;

  beforeAll(async () => {
    await logWarnings(service, LARGE, { more: { userId: 'large', details: { text: TEXT } } });
    const { rows } = await pool.query<{ size: number }>('SELECT size FROM log_head');
    size = rows[0]?.size ?? 0;
  });

  test('what is committed later is not in it', async () => {
    const { whole } = await open((await link('CSV', { userId: 'large' })).url);
    await logWarnings(service, 10, { more: { userId: 'large' } });
    const rows = readCsv((await whole()).toString());
    expect(rows.map(({ position }) => Number(position))).toEqual(upTo(size).slice(-LARGE));
  });

  test('a client that leaves ends the reading', async () => {
    const { response, disconnect } = await open((await link('NDJSON')).url);
    await once(response, 'data');
    response.pause();
    logged.length = 0;
    disconnect();
    await vi.waitFor(() => expect(logged).toContain('an export ended early'), 10_000);
  });

  test('clients that leave before it is opened leave room for others', async () => {
    const { url } = await link('NDJSON', { userId: 'nobody' });
    const holder = await pool.connect();
    const sockets = await Promise.all(upTo(MOST_FILES).map(() => openRaw(url)));
    try {
      await holder.query('BEGIN; LOCK TABLE api_keys');
      for (const socket of sockets)
        socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
      await vi.waitFor(async () => {
        const { rows } = await pool.query(
          "SELECT 1 FROM pg_locks WHERE relation = 'api_keys'::regclass AND NOT granted",
        );
        expect(rows.length).toBeGreaterThanOrEqual(MOST_FILES);
      }, 10_000);
      for (const socket of sockets) socket.resetAndDestroy();
      // The service has seen that they are gone when it answers later requests.
      for (const _ of upTo(3)) expect(await statusOf(`${service.url}/health/live`)).toBe(200);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    for (const _ of upTo(3)) expect(await statusOf(url)).toBe(200);
  });

  test('a key that is revoked breaks the connection', async () => {
    const { key, secret } = await createKey(service, { name: 'exporter', scopes: ['EVENTS_EXPORT'] });
    const { response, whole } = await open((await link('NDJSON', null, secret)).url);
    expect(response.statusCode).toBe(200);
    await service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: key.id });
    await expect(whole()).rejects.toThrow('aborted');
  });

  test.each([{}, { 'accept-encoding': 'gzip' }])(
    'a purge of what was not read yet breaks the connection instead of leaving it out: %o',
    async (headers) => {
      const more = { userId: 'purged', details: { text: noise() } };
      // 15 MB, of which gzip leaves 9: more than the buffers on the way take.
      await logWarnings(service, 300, { more });
      const { response, whole } = await open((await link('NDJSON', { userId: 'purged' })).url, { headers });
      expect(response.statusCode).toBe(200);
      await vi.waitFor(async () => {
        await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
        const { rows } = await pool.query('SELECT 1 FROM audit_events WHERE user_id = $1', ['purged']);
        expect(rows).toEqual([]);
      }, 60_000);
      await expect(whole()).rejects.toThrow('aborted');
    },
  );
});

/**
 * A text of random words: redaction leaves it, and it does not compress, nor when it comes again, since it is longer than
 * what gzip looks back at.
 */
function noise(): string {
  const word = (hash: Buffer) => String.fromCharCode(...hash.subarray(0, 8).map((byte) => 97 + (byte % 26)));
  return upTo(5_600)
    .map((n) => word(createHash('sha256').update(String(n)).digest()))
    .join(' ');
}
