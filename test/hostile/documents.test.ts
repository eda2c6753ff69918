import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { expectWithin } from '../support/runs.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { TRANSPORTS, type Transport } from './transports.ts';

const MAX_MS = 2_000;

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(' ');
const chain = (count: number, link: (n: number) => string, last: string) =>
  `${repeat(count, (n) => `fragment f${n} on ${link(n)}`)} fragment f${count} on ${last}`;

const TOO_COMPLEX: [string, string, object?][] = [
  ['aliases of __typename', `{ ${repeat(101, (n) => `a${n}: __typename`)} }`],
  [
    'aliases behind a fragment',
    `{ ${repeat(9, () => '...f')} } fragment f on Query { ${repeat(9, (n) => `a${n}: __typename`)} }`,
  ],
  ['one field again and again', `{ ${repeat(500, () => '__typename')} }`],
  [
    'one field of a page again and again',
    `{ auditEvents { edges { node { ${repeat(500, () => 'id')} } } } }`,
  ],
  ['directives on one field', `{ __typename ${'@aa'.repeat(10)} }`],
  ['directives on many fields', `{ ${repeat(60, () => '__typename @skip(if: false)')} }`],
  ['directives on a fragment', `{ ...f } fragment f on Query ${'@aa'.repeat(100)} { __typename }`],
  ['directives on the operation', `query ${'@aa'.repeat(100)} { __typename }`],
  ['root fields', `{ ${repeat(31, () => 'auditEvents { totalCount }')} }`],
  ['root fields of many operations', repeat(1_001, (n) => `query q${n} { __typename }`)],
  [
    'fields of a fragment nobody uses',
    `{ __typename } fragment f on Query { ${repeat(400, () => '__typename')} }`,
  ],
  ['fragments side by side', `{ ${repeat(2_000, (n) => `...f${n}`)} }`],
  [
    '22 fragments that double',
    `{ ...f0 } ${chain(22, (n) => `Query { ...f${n + 1} ...f${n + 1} }`, 'Query { __typename }')}`,
  ],
  [
    '22 fragments that double, the operation last',
    `${chain(22, (n) => `Query { ...f${n + 1} ...f${n + 1} }`, 'Query { __typename }')} { ...f0 }`,
  ],
  [
    '22 fragments that double fields',
    `{ __type(name: "Query") { ...f0 } } ${chain(22, (n) => `__Type { a: ofType { ...f${n + 1} } b: ofType { ...f${n + 1} } }`, '__Type { name }')}`,
  ],
  [
    '22 fragments that double inline',
    `{ __type(name: "Query") { ...f0 } } ${chain(22, (n) => `__Type { ofType { ...f${n + 1} } ... { ofType { ...f${n + 1} } } }`, '__Type { name }')}`,
  ],
  ['fields within fields', `{ ${'a{'.repeat(900)}b${'}'.repeat(900)} }`],
  ['fields within fields, 200,000 deep', `{ ${'a{'.repeat(200_000)}`],
  [
    'fields within fields by fragments',
    `{ __schema { queryType { ...f0 } } } ${chain(30, (n) => `__Type { ofType { ...f${n + 1} } }`, '__Type { name }')}`,
  ],
  ['lists within lists', `{ auditEvents(after: ${'['.repeat(5_000)}) { totalCount } }`],
  [
    'objects within objects',
    `{ auditEvents(filter: { details: ${'{a:'.repeat(5_000)}1${'}'.repeat(5_000)} }) { totalCount } }`,
  ],
  ['types within types', `query ($a: ${'['.repeat(5_000)}Int${']'.repeat(5_000)}) { __typename }`],
  ['tokens', `{ auditEvents(filter: { categories: [${repeat(10_000, () => '"a"')}] }) { totalCount } }`],
  ['characters', `{ __typename } # ${'x'.repeat(300_000)}`],
  ['lines', `${'\n'.repeat(5_000)}{ __typename }`],
  ['lines that end otherwise', `${'\r\n'.repeat(2_500)}${'\r'.repeat(2_500)}{ __typename }`],
  ['comments', `${'#\n'.repeat(200_000)}{ __typename }`],
  [
    'a page of 1,000 with both proofs',
    '{ auditEvents(first: 1000) { edges { node { details inclusionProof { hashes } proofBundle } } } }',
  ],
  [
    'a page by a variable',
    'query ($n: Int) { auditEvents(last: $n) { edges { node { a: proofBundle b: proofBundle } } } }',
    { n: 1_000 },
  ],
  ['tops of tops', `{ auditSummary { ${repeat(30, (n) => `a${n}: topUsers(first: 1000) { count }`)} } }`],
  ['summaries', `{ ${repeat(20, (n) => `a${n}: auditSummary { timeline { count } byType { count } }`)} }`],
  [
    'timelines with all there is',
    '{ auditSummary(startTime: "2020-01-01T00:00:00Z", endTime: "2020-01-07T00:00:00Z") { timeline(bucket: MINUTE) { start count bySeverity { severity count } } } }',
  ],
  [
    'aliases in a subscription',
    `subscription { auditEvents { node { ${repeat(51, (n) => `a${n}: details`)} } } }`,
  ],
];

const BAD: [string, string][] = [
  [
    'a circle of fragments',
    '{ ...a } fragment a on Query { ...b } fragment b on Query { ...c __typename } fragment c on Query { ...a }',
  ],
  ['a circle behind a field', '{ __schema { types { ...a } } } fragment a on __Type { ofType { ...a } }'],
  ['a circle nobody uses', '{ __typename } fragment a on Query { ...a }'],
  [
    'introspection in a loop',
    `{ __schema { types { ${'fields { type { '.repeat(4)} name ${'} }'.repeat(4)} } } }`,
  ],
  [
    'introspection of a type in a loop',
    `{ __type(name: "Query") { ${'fields { type { '.repeat(5)} name ${'} }'.repeat(5)} } }`,
  ],
  ['a name of 200,000 letters', `{ ${'a'.repeat(200_000)} }`],
  ['arguments', `{ auditEvents(${repeat(2_000, (n) => `a${n}: 1`)}) { totalCount } }`],
  ['variables', `query (${repeat(2_000, (n) => `$a${n}: Int`)}) { __typename }`],
  [
    'a list of values that are wrong',
    `{ auditEvents(filter: { eventTypes: [${repeat(3_000, () => 'AUTH_LOGINN')}] }) { totalCount } }`,
  ],
  ['nothing', ''],
  ['no document', '}{'],
  ['two operations and no name', 'query a { __typename } query b { __typename }'],
  ['no operation', 'fragment f on Query { __typename }'],
];

describe.each(Object.entries(TRANSPORTS))('over %s', (_name, open) => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await open(service);
  });
  afterAll(() => transport.close());

  async function refusalOf(query: string, variables?: object) {
    const start = performance.now();
    const { data, errors } = await transport.ask(query, variables);
    expectWithin(MAX_MS, start);
    expect(data ?? undefined).toBeUndefined();
    expect(JSON.stringify(errors).length).toBeLessThan(20_000);
    return new Set(errors?.map(({ extensions }) => extensions.code));
  }

  test.each(TOO_COMPLEX)('%s are QUERY_TOO_COMPLEX', async (_what, query, variables) => {
    expect(await refusalOf(query, variables)).toEqual(new Set(['QUERY_TOO_COMPLEX']));
  });

  test.each(BAD)('%s: BAD_USER_INPUT', async (_what, query) => {
    expect(await refusalOf(query)).toEqual(new Set(['BAD_USER_INPUT']));
  });

  test('a value that takes for ever to search is an error at once', async () => {
    const key = ` at "${'a'.repeat(100_000)}`;
    const query = 'query ($n: Int) { auditEvents(first: $n) { totalCount } }';
    expect(await refusalOf(query, { n: { [key]: 1 } })).toEqual(new Set(['BAD_USER_INPUT']));
  });

  test('and what was refused has broken nothing', async () => {
    expect(await transport.ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });
});

test('an error names the argument in which a variable stands', async () => {
  const { errors } = await service.ask(
    'query ($id: String = "a", $f: Float) { auditEvents(filter: { userId: $id, details: { a: $f } }) { totalCount } }',
    { f: 'x' },
  );
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'filter.details.a' });
});
