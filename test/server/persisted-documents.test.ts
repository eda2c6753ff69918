import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createCatalog } from '../../src/events/catalog.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { loadPersistedDocuments } from '../../src/server/persisted-documents.ts';
import type { TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, post, startService, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';

const COUNT =
  'query Count($filter: AuditEventFilter) { auditEvents(filter: $filter, first: 0) { totalCount } }';
const OTHER = '{ auditEvents(first: 0) { totalCount } }';
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const HASH = hashOf(COUNT);
const RESULT = { data: { auditEvents: { totalCount: 0 } } };

let database: TestDatabase;
let directory: string;
let service: TestService;

async function fileOf(content: unknown): Promise<string> {
  const path = join(directory, `${Math.random()}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const ask = async (body: object) => post(service.url, JSON.stringify(body), ADMIN_KEY);

test.beforeAll(async ({ later, createDatabase, startService }) => {
  database = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'audit-log-documents-'));
  later(() => rm(directory, { recursive: true }));
  const PERSISTED_DOCUMENTS = await fileOf({ [HASH]: COUNT });
  service = await startService(database.url, {
    PERSISTED_DOCUMENTS,
    PERSISTED_ONLY: 'true',
    INTROSPECTION: 'false',
  });
});

describe('a persisted document', () => {
  test.each([
    ['the draft of GraphQL over HTTP', { documentId: `sha256:${HASH}` }],
    ['a bare hash', { documentId: HASH.toUpperCase() }],
    ['persistedQuery', { extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } }],
    ['its own text', { query: COUNT }],
  ])('is named by %s', async (_how, request) => {
    expect(await ask({ ...request, variables: { filter: { userId: 'a' } } })).toEqual(RESULT);
  });

  test('is named over WebSocket too', async () => {
    const { socket, send, next } = await connectSocket(service.url);
    const extensions = { persistedQuery: { sha256Hash: HASH } };
    send({ type: 'subscribe', id: '1', payload: { query: '', extensions } });
    expect(await next()).toEqual({ type: 'next', id: '1', payload: RESULT });
    await next();
    send({ type: 'subscribe', id: '2', payload: { query: OTHER } });
    expect(await next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] });
    socket.terminate();
  });

  test.each([
    ['another document', { query: OTHER }, 'FORBIDDEN'],
    ['the same with a space', { query: `${COUNT} ` }, 'FORBIDDEN'],
    ['introspection', { query: '{ __schema { types { name } } }' }, 'FORBIDDEN'],
    ['an unknown hash', { documentId: hashOf(OTHER) }, 'NOT_FOUND'],
    [
      'an unknown hash with its text',
      { query: OTHER, extensions: { persistedQuery: { sha256Hash: hashOf(OTHER) } } },
      'NOT_FOUND',
    ],
    ['the name of what every object has', { documentId: 'constructor' }, 'NOT_FOUND'],
    ['a hash that is no text', { documentId: 5 }, 'BAD_USER_INPUT'],
    ['a list beside a text', { query: OTHER, documentId: [] }, 'BAD_USER_INPUT'],
    ['nothing', {}, 'BAD_USER_INPUT'],
    ['extensions that are none', { extensions: { persistedQuery: null } }, 'BAD_USER_INPUT'],
  ])('is none: %s', async (_what, request, code) => {
    const { data, errors } = await ask(request);
    expect([data, errors?.[0]?.extensions.code]).toEqual([undefined, code]);
    const { status } = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        authorization: `Bearer ${ADMIN_KEY}`,
      },
      body: JSON.stringify(request),
    });
    expect(status).toBeLessThan(500);
  });
});

const schema = createSchema(createCatalog([]));

describe('at start a file is refused, with the place of each problem', () => {
  const unknown = '{\n  nothing\n  auditEvents(first: 0) { total }\n}';
  const deep = `${'{ node(id: 1) '.repeat(21)}{ id ${'}'.repeat(22)}`;
  test.each<[string, unknown, string[]]>([
    [
      'a document under a wrong hash',
      { [hashOf(OTHER)]: COUNT },
      [`1:2: the document with the hash ${hashOf(OTHER)} was changed: its hash is ${HASH}`],
    ],
    [
      'a document with fields that the schema does not have',
      { [hashOf(unknown)]: unknown },
      [
        '1:2: line 2, column 3 of the document: Cannot query field "nothing" on type "Query".',
        '1:2: line 3, column 27 of the document: Cannot query field "total" on type "AuditEventConnection".',
      ],
    ],
    [
      'a text that is no document',
      `{\n  "${hashOf('}')}": "}"\n}`,
      ['2:3: line 1, column 1 of the document: Syntax Error: Unexpected "}".'],
    ],
    [
      'a document that is too deep',
      { [hashOf(deep)]: deep },
      ['1:2: the document has more than 20 levels of fields'],
    ],
    [
      'a key that is no hash',
      { a: OTHER },
      ['1:2: "a" must be the SHA-256 of its document: 64 digits of lower-case hex'],
    ],
    ['no object', '[]', ['1:1: expected a JSON object of documents by their SHA-256']],
    ['an object without an end', '{', ['1:2: expected the SHA-256 of a document in hex, in quotes']],
    [
      'a document that is no string',
      `{\n\t"${HASH}":\r\n 5}`,
      ['3:2: expected the text of a document as a JSON string'],
    ],
    ['no comma', `{"${HASH}": ${JSON.stringify(COUNT)}\n"a": "b"}`, ['2:1: expected "," or "}"']],
    ['more after the object', '{}\n{}', ['2:1: expected the end of the file']],
    [
      'a string with a line feed in it',
      '{"a\nb": ""}',
      ['1:2: expected the SHA-256 of a document in hex, in quotes'],
    ],
    [
      'several documents, and then a syntax error',
      `{"a": "b",\n"c": "d",\n}`,
      [
        '1:2: "a" must be the SHA-256 of its document: 64 digits of lower-case hex',
        '2:1: "c" must be the SHA-256 of its document: 64 digits of lower-case hex',
        '3:1: expected the SHA-256 of a document in hex, in quotes',
      ],
    ],
  ])('%s', async (_what, content, problems) => {
    const PERSISTED_DOCUMENTS = await fileOf(content);
    const lines = problems.map((problem) => `\n  ${PERSISTED_DOCUMENTS}:${problem}`).join('');
    const message = `PERSISTED_DOCUMENTS: the file has problems:${lines}`;
    await expect(loadPersistedDocuments(PERSISTED_DOCUMENTS, schema)).rejects.toThrow(new Error(message));
  });

  test('a file that is not there', async () => {
    const PERSISTED_DOCUMENTS = join(directory, 'absent.json');
    await expect(startService(database.url, { PERSISTED_DOCUMENTS })).rejects.toThrow(
      /^PERSISTED_DOCUMENTS: the file cannot be read: ENOENT.*absent\.json/,
    );
  });

  test('any JSON string is read as JSON.parse reads it, also with a byte order mark before it', async () => {
    const text = '# "\\ \u007f\u2028\ud83d\ude00\t\n{ auditEvents(first: 0) { totalCount } }';
    const escaped = JSON.stringify(text).replace('#', '\\u0023');
    const PERSISTED_DOCUMENTS = await fileOf(`\uFEFF{ "${hashOf(text)}" : ${escaped} }`);
    const other = await startService(database.url, { PERSISTED_DOCUMENTS });
    const request = JSON.stringify({ documentId: hashOf(text) });
    expect(await post(other.url, request, ADMIN_KEY)).toEqual(RESULT);
    await other.stop();
  });
});

describe('a closed schema', () => {
  let closed: TestService;
  beforeAll(async () => {
    closed = await startService(database.url, { INTROSPECTION: 'false' });
  });
  afterAll(() => closed.stop());

  test.each([
    '{ __schema { types { name } } }',
    '{ __type(name: "AuditEvent") { fields { name } } }',
    'query Harmless { ...f } fragment f on Query { ... { a: __schema { queryType { name } } } }',
  ])('is not shown to %s', async (query) => {
    const { data, errors } = await closed.ask(query);
    expect([data, errors?.[0]?.extensions.code]).toEqual([undefined, 'FORBIDDEN']);
  });

  test('does not suggest its names', async () => {
    const questions = [
      '{ auditEvent { id } }',
      '{ auditEventz { totalCount } }',
      '{ auditEvents(firzt: 1) { totalCount } }',
    ];
    for (const query of questions) {
      const { errors } = await closed.ask(query);
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      expect(JSON.stringify(errors)).not.toContain('Did you mean');
    }
    const { errors } = await closed.ask(
      'query ($o: AuditEventOrder) { auditEvents(orderBy: $o) { totalCount } }',
      {
        o: 'TIMESTAMP_DESK',
      },
    );
    expect(JSON.stringify(errors)).not.toContain('Did you mean');
  });

  test('refuses a value that is full of suggestions of its own as quickly as any other', async () => {
    const query = 'query ($o: AuditEventOrder) { auditEvents(orderBy: $o) { totalCount } }';
    const { errors } = await closed.ask(query, { o: ' Did you mean '.repeat(9_000) });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('answers everything else', async () => {
    expect(await closed.ask(`{ __typename auditEvents(first: 0) { __typename } }`)).toEqual({
      data: { __typename: 'Query', auditEvents: { __typename: 'AuditEventConnection' } },
    });
  });
});

// At the end: it records an event.
test('the command line says what its documents need, and works with them', async () => {
  const environment = { AUDIT_LOG_URL: service.url, AUDIT_LOG_KEY: ADMIN_KEY };
  const run = async (url: string, ...words: string[]) => {
    const program = startProgram('cli/main.ts', { ...environment, AUDIT_LOG_URL: url }, words);
    const { code } = await program.ended;
    return { code, said: program.said() };
  };
  const closed = await run(service.url, 'export');
  expect(closed).toMatchObject({
    code: 2,
    said: expect.stringContaining('add the output of audit-log documents'),
  });
  expect(closed.said).not.toContain('use a key');
  const PERSISTED_DOCUMENTS = await fileOf((await run(service.url, 'documents')).said);
  const open = await startService(database.url, { PERSISTED_DOCUMENTS, PERSISTED_ONLY: 'true' });
  const log = join(directory, 'log.jsonl');
  await writeFile(log, '{"action":"git.push"}\n');
  expect(await run(open.url, 'import', '--format', 'github', log)).toMatchObject({ code: 0 });
  const exported = await run(open.url, 'export');
  expect(exported).toMatchObject({ code: 0, said: expect.stringContaining('git.push') });
  const [, id = ''] = /"id":"(audit_[0-9a-f]{32})"/.exec(exported.said) ?? [];
  expect(await run(open.url, 'prove', id)).toMatchObject({ code: 0 });
  expect(await run(open.url, 'prove', 'growth', '1', '1')).toMatchObject({ code: 0 });
  await open.stop();
});
