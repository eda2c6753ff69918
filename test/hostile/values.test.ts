import fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { expect } from 'vitest';
import { createCatalog } from '../../src/events/catalog.ts';
import { formatCursor } from '../../src/log/read/cursor.ts';
import { createSchema } from '../../src/schema/schema.ts';
import type { TestDatabase } from '../support/database.ts';
import { runsOf } from '../support/runs.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

// Values that have their type, and nothing else to recommend them: whatever is wrong with them has a code, and none of it
// is a surprise inside.

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { RATE_LIMIT: '0', MAX_QUERY_COST: '10000000' });
  await logWarnings(service, 5, { prefix: 'a' });
});

const schema = createSchema(createCatalog([]));
const cursor = (timestamp: number, position: number) => formatCursor({ timestamp, position });

const TEXTS = [
  ...[
    '',
    ' ',
    '\0',
    '\ud800',
    '\u202e',
    '\uffff',
    "'",
    '"',
    '\\',
    '%',
    '_',
    '$1',
    '{}',
    'null',
    'NaN',
    'beginning',
  ],
  ...[
    '0.0.0.0/0',
    '::/0',
    '::ffff:1.2.3.4',
    '1.2.3.4/33',
    'fe80::1%eth0',
    "to_tsquery('a')",
    '& | !',
    '-',
    '*',
  ],
  ...[
    'audit_',
    `audit_${'0'.repeat(32)}`,
    'audit_019500000000700080000000000000000',
    'key_0',
    'admin',
    'log',
    'log/1',
  ],
  ...[
    'customer/acme',
    '../..',
    '2026-02-30T00:00:00Z',
    'x'.repeat(300),
    'x'.repeat(3_000),
    '\u{1f600}'.repeat(130),
  ],
  cursor(0, 0),
  cursor(999_999_999_999_999, 9_007_199_254_740_991),
  cursor(-999_999_999_999_999, 0),
  cursor(8_640_000_000_000_000, 1),
  cursor(-62_135_596_800_000, 9_007_199_254_740_992),
  cursor(253_402_300_799_999, 9_007_199_254_740_991),
];
const TIMES = [
  ...[
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00+23:59',
  ],
  ...[
    '9999-12-31T23:59:59.999-23:59',
    '0000-01-01T00:00:00+23:59',
    '2026-06-30T23:59:60Z',
    '1582-10-10T00:00:00Z',
  ],
  ...[
    '2026-03-01T00:00:00.0000000001Z',
    '-0001-01-01T00:00:00Z',
    '+10000-01-01T00:00:00Z',
    'infinity',
    'now',
    '',
  ],
];
const WHOLE = [0, 1, -1, 2, 10, 1_000, 1_001, 10_000, 2_147_483_647, -2_147_483_648];
const SAFE = [
  ...WHOLE,
  4_294_967_296,
  9_007_199_254_740_991,
  -9_007_199_254_740_991,
  9_007_199_254_740_992,
  1.5,
];
const OBJECTS = [
  ...[
    {},
    { a: null },
    { '': '' },
    { a: { b: [1, { c: [] }] } },
    { a: 1e308 },
    { a: -0 },
    { a: 5e-324 },
    { '\0': 1 },
  ],
  ...[{ a: '\0' }, { a: '\ud800' }, { a: 2 ** 53 }, [], 'text', 5, { password: { a: ['x'] } }],
  JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null}') as object,
  JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) as object,
  { a: Array.from({ length: 12_000 }, () => 0) },
  { a: 'x'.repeat(70_000) },
];
const SCALARS: Record<string, readonly unknown[]> = {
  String: TEXTS,
  ID: TEXTS,
  Int: WHOLE,
  SafeInt: SAFE,
  Boolean: [true, false],
  DateTime: TIMES,
  JSONObject: OBJECTS,
};

function anyOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return present(type.ofType);
  return fc.option(present(type), { nil: undefined, freq: 2 });
}

function present(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isListType(type)) return fc.array(anyOf(type.ofType), { maxLength: 3 });
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  if (isInputObjectType(type)) {
    // Few members at a time, or hardly anything would ever get far.
    const fields = Object.values(type.getFields());
    const needed = fields.filter((field) => isNonNullType(field.type));
    return fc
      .subarray(fields, { maxLength: 3 })
      .chain((some) =>
        fc.record(
          Object.fromEntries(
            [...new Set([...needed, ...some])].map((field) => [field.name, anyOf(field.type)]),
          ),
        ),
      );
  }
  return fc.constantFrom(...(SCALARS[getNamedType(type).name] ?? []));
}

type Variables = { name: string; type: string; value: fc.Arbitrary<unknown> }[];

/** A field with everything below it, three levels deep; its arguments are variables. */
function textOf(field: GraphQLField<unknown, unknown>, variables: Variables, depth = 3): string {
  const given = field.args.map((argument) => `${argument.name}: $${variableFor(argument, variables)}`);
  const called = `${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}`;
  return called + selectionOf(field.type, variables, depth);
}

function selectionOf(output: GraphQLOutputType, variables: Variables, depth: number): string {
  const type = getNamedType(output);
  if (isLeafType(type)) return '';
  if (!isObjectType(type) && !isInterfaceType(type)) throw new Error(`what is ${type.name}?`);
  const fields = Object.values(type.getFields())
    .filter((field) => depth > 0 || isLeafType(getNamedType(field.type)))
    .filter((field) => !/^(inclusionProof|proofBundle)$/.test(field.name) || depth > 1);
  return ` { __typename ${fields.map((field) => textOf(field, variables, depth - 1)).join(' ')} }`;
}

function variableFor({ type }: GraphQLArgument, variables: Variables): string {
  const name = `v${variables.length}`;
  variables.push({ name, type: String(type), value: anyOf(type) });
  return name;
}

const roots = { query: schema.getQueryType(), mutation: schema.getMutationType() };
const operations = Object.entries(roots).flatMap(([kind, type]) =>
  Object.values((type as GraphQLObjectType).getFields())
    // What it does when it works would spoil the others.
    .filter(({ name }) => name !== 'purgeEvents')
    .map((field) => [field.name, kind, field] as const),
);

test.each(operations)('%s', async (_name, kind, field) => {
  const variables: Variables = [];
  const body = textOf(field, variables);
  const declared = variables.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const query = `${kind} ${declared === '' ? '' : `(${declared})`} { ${body} }`;
  const values = fc.record(Object.fromEntries(variables.map(({ name, value }) => [name, value])));
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      const { errors = [] } = await service.ask(query, given);
      for (const { extensions, message } of errors)
        expect([extensions.code, message]).not.toContain('INTERNAL');
    }),
    { numRuns: runsOf(40, 10) },
  );
});
