import fc from 'fast-check';
import {
  buildSchema,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLScalarType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getVariableValues,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/events/catalog.ts';
import { executePlan } from '../../src/graphql/execute/execute.ts';
import { createOperations } from '../../src/graphql/execute/operation.ts';
import { createSchema } from '../../src/graphql/schema.ts';

/** A schema in which everything that can go wrong does. */
const WRONG = schemaOf(
  `interface Named { name: String! }
  type Cat implements Named { name: String! lives: Int! enemy: Dog }
  type Dog implements Named { name: String! bad: Int! friends(first: Int = 2, of: String): [Named!] }
  union Pet = Cat | Dog
  enum Size { SMALL LARGE }
  scalar Odd
  type Query {
    text: String later: String! nothing: String! fails: String failsLater: String! error: Int
    size: Size badSize: Size odd: Odd sizes: [Size!]!
    pets: [Pet!] petsLater: [Pet]! maybe: [Named] holes: [Dog!] deep: [[Int!]] noList: [Int] fixed: [[Dog]!]!
    stranger: Pet cat: Cat! echo(text: String!, list: [Int!] = [1, 2], size: Size): String
    arguments(text: String): String info: String function: String promised: [Int!]
  }
  type Mutation { add(n: Int!): Int! fail: Int! }`,
  {
    Query: {
      text: () => 'text',
      later: async () => 'later',
      nothing: () => null,
      fails: () => {
        throw new Error('fails');
      },
      failsLater: async () => {
        throw new GraphQLError('fails later', { extensions: { code: 'X' } });
      },
      error: () => new Error('returned'),
      size: () => 'LARGE',
      badSize: async () => 'LARGE',
      odd: () => ({ __proto__: 1, a: [1] }),
      sizes: () => ['SMALL', 'LARGE'],
      pets: () => [cat('a'), dog('b')],
      petsLater: async () => [
        cat('a'),
        Promise.reject(new Error('ran away')),
        null,
        Promise.resolve(dog('b')),
      ],
      maybe: () => [null, cat('a'), new Error('item')],
      holes: () => [dog('a'), null, dog('b')],
      deep: () => [[1, 2], null, [3, null]],
      noList: () => 'no list',
      fixed: () => [[dog('a')], [null, dog('b')]],
      stranger: () => ({ kind: 'Fish' }),
      cat: () => ({ ...cat('c'), enemy: async () => undefined }),
      echo: (_: unknown, args: object) => JSON.stringify(args),
      arguments: (_: unknown, args: object, context: object) => JSON.stringify([args, context]),
      info: (_source: unknown, _args: unknown, _context: unknown, info: never) => describeInfo(info),
      promised: () => [Promise.resolve(1), 2],
    },
    Dog: {
      bad: async () => null,
      friends: (_: unknown, { first }: { first: number }) =>
        Array.from({ length: first }, (_one, n) => cat(`f${n}`)),
    },
    Cat: { enemy: async ({ name }: { name: string }) => dog(`enemy of ${name}`) },
    Mutation: {
      add: async (_: unknown, { n }: { n: number }, context: { sum: number }) => {
        context.sum += n;
        return context.sum;
      },
      fail: async () => null,
    },
  },
);

const cat = (name: string) => ({ kind: 'Cat', name, lives: 9 });
const dog = (name: string) => ({ kind: 'Dog', name });

function describeInfo(info: {
  fieldName: string;
  path: object;
  operation: { name?: object };
  variableValues: object;
}) {
  const { fieldName, path, variableValues } = info;
  return JSON.stringify({ fieldName, path, variableValues });
}

function schemaOf(text: string, resolvers: Record<string, Record<string, unknown>>): GraphQLSchema {
  const schema = buildSchema(text);
  for (const [type, fields] of Object.entries(resolvers)) {
    const own = (schema.getType(type) as GraphQLObjectType).getFields();
    for (const [name, resolve] of Object.entries(fields)) Object.assign(own[name] as object, { resolve });
  }
  for (const name of ['Named', 'Pet'])
    Object.assign(schema.getType(name) as object, { resolveType: (value: { kind: string }) => value.kind });
  (schema.getType('Odd') as GraphQLScalarType).serialize = (value) => value;
  return schema;
}

type Variables = Record<string, unknown>;

async function planned(
  schema: GraphQLSchema,
  query: string,
  variables: Variables = {},
  name?: string,
): Promise<ExecutionResult> {
  const operation = createOperations(schema)(parse(query), name);
  if (!operation) throw new Error('no operation');
  const { values, errors } = operation.coerce(variables);
  if (errors) return { errors };
  return executePlan(operation.planFor(values), {
    context: { sum: 0 },
    rootValue: undefined,
    variables: values,
  });
}

/** The answers of both, as they are sent: errors in any order, since those side by side have none. */
async function expectSame(schema: GraphQLSchema, query: string, variables: Variables = {}, name?: string) {
  expect(validate(schema, parse(query))).toEqual([]);
  const own = await planned(schema, query, variables, name);
  const theirs = await execute({
    schema,
    document: parse(query),
    variableValues: variables,
    operationName: name,
    contextValue: { sum: 0 },
  });
  expect(JSON.stringify(own.data)).toBe(JSON.stringify(theirs.data));
  const texts = (result: ExecutionResult) =>
    (result.errors ?? []).map((error) => JSON.stringify(error)).sort();
  expect(texts(own)).toEqual(texts(theirs));
}

describe('a plan answers byte for byte as graphql-js does', () => {
  test.each([
    '{ text later __typename a: text b: text }',
    '{ text __proto__: text constructor: text toString: text }',
    '{ text nothing }',
    '{ text fails error later }',
    '{ text failsLater }',
    '{ size sizes badSize odd }',
    '{ pets { __typename ... on Named { name } ... on Cat { lives } ... on Dog { bad } } }',
    '{ petsLater { __typename ... on Cat { lives enemy { name } } ... on Named { name } } text }',
    '{ maybe { name __typename } }',
    '{ holes { name } text }',
    '{ deep noList promised }',
    '{ fixed { name bad } }',
    '{ fixed { name } }',
    '{ cat { name lives enemy { name friends { name } more: friends(first: 4) { __typename name } } } }',
    '{ cat { ...c ...d } } fragment c on Cat { name ...d } fragment d on Named { name ... on Cat { lives } ... on Dog { bad } }',
    '{ ... { text } ... on Query { text } ...q ...q } fragment q on Query { later cat { name } cat { lives } }',
    '{ info nested: info arguments(text: "a") }',
    '{ echo(text: "a") b: echo(text: "b", list: 5, size: SMALL) c: echo(text: "c", list: [], size: null) }',
    'mutation { a: add(n: 1) b: add(n: 2) c: add(n: 3) }',
    'mutation { a: add(n: 1) fail b: add(n: 2) }',
  ])('%s', (query) => expectSame(WRONG, query));

  test.each<[string, Variables]>([
    [
      'query ($a: Boolean!, $b: Boolean!) { text @skip(if: $a) later @include(if: $b) ... @include(if: $a) { size } }',
      { a: true, b: false },
    ],
    [
      'query ($a: Boolean!, $b: Boolean!) { text @skip(if: $a) later @include(if: $b) ... @include(if: $a) { size } }',
      { a: false, b: true },
    ],
    [
      'query ($a: Boolean!) { text @skip(if: $a) @include(if: $a) cat @skip(if: $a) { name } ...f @skip(if: $a) } fragment f on Query { size }',
      { a: true },
    ],
    ['query ($a: Boolean = true) { text @skip(if: $a) later }', {}],
    ['query ($a: Boolean = true) { text @skip(if: $a) later }', { a: null }],
    [
      'query ($t: String!, $l: [Int!], $s: Size) { echo(text: $t, list: $l, size: $s) info }',
      { t: 'x', l: 7, s: 'SMALL', extra: 1 },
    ],
    ['query ($t: String!, $l: [Int!], $s: Size) { echo(text: $t, list: $l, size: $s) }', { t: 'x' }],
    ['query ($t: String!, $l: [Int!], $s: Size) { echo(text: $t, list: $l, size: $s) }', { t: 'x', l: null }],
    [
      'query ($t: String!, $l: [Int!], $s: Size) { echo(text: $t, list: $l, size: $s) }',
      { t: null, l: ['x', 1, null], s: 'TINY' },
    ],
    ['query ($t: String!) { echo(text: $t) }', {}],
    ['query ($n: Int) { cat { enemy { friends(first: $n) { name } } } }', { n: 1 }],
    ['query ($n: Int) { cat { enemy { friends(first: $n) { name } } } }', {}],
  ])('%s with %j', (query, variables) => expectSame(WRONG, query, variables));

  test('the operation that is named', async () => {
    await expectSame(WRONG, 'query a { text } query b { later }', {}, 'b');
  });

  test('an introspection of the API', async () => {
    await expectSame(
      createSchema(createCatalog([])),
      getIntrospectionQuery({ oneOf: true, specifiedByUrl: true }),
    );
    await expectSame(
      createSchema(createCatalog([])),
      '{ __type(name: "AuditEvent") { name fields { name } } no: __type(name: "x") { name } }',
    );
  });

  test('the same document again, with other values', async () => {
    const operation = createOperations(WRONG)(parse('query ($a: Boolean!) { text @skip(if: $a) later }'));
    const ask = (a: boolean) =>
      executePlan(operation?.planFor({ a }) as never, {
        context: {},
        rootValue: undefined,
        variables: { a },
      });
    expect(
      [await ask(true), await ask(false), await ask(true)].map((result) => JSON.stringify(result)),
    ).toEqual([
      '{"data":{"later":"later"}}',
      '{"data":{"text":"text","later":"later"}}',
      '{"data":{"later":"later"}}',
    ]);
  });
});

test('nothing runs on behind the answer when a list fails while elements of it are still to come', async () => {
  const { data, errors } = await planned(WRONG, '{ holes { name bad } text }');
  expect([data, errors?.map(({ path }) => path)]).toEqual([{ holes: null, text: 'text' }, [['holes', 1]]]);
});

test('what is none of its type is an error from inside, not one about what the client sent', async () => {
  const schema = schemaOf(
    'interface Named { name: String } union Pet = Cat type Cat { a: Int } scalar Odd enum Size { S } type Query { size: Size pet: Pet odd: Odd! }',
    {
      Query: { size: () => 'XXL', pet: () => ({ kind: 'Fish' }), odd: () => undefined },
    },
  );
  for (const query of ['{ size }', '{ pet { __typename } }', '{ odd }']) {
    const { errors } = await planned(schema, query);
    expect(errors?.[0]?.originalError).toBeInstanceOf(Error);
    expect(errors?.[0]?.originalError).not.toBeInstanceOf(GraphQLError);
  }
});

describe('variables of the API are coerced as graphql-js coerces them', () => {
  const schema = createSchema(createCatalog([]));
  const document = parse(
    'query ($one: LogEventInput, $many: [LogEventInput!]!, $filter: AuditEventFilter, $n: Int) { __typename }',
  );
  const operation = createOperations(schema)(document);

  function expectCoerced(given: Variables): void {
    const definitions = operation?.node.variableDefinitions ?? [];
    const theirs = getVariableValues(schema, definitions, given, { maxErrors: 50 });
    const own = operation?.coerce(given);
    expect(own?.values).toEqual(theirs.coerced);
    expect(Object.keys(own?.values ?? {})).toEqual(Object.keys(theirs.coerced ?? {}));
    expect(JSON.stringify(own?.errors)).toBe(JSON.stringify(theirs.errors));
  }

  const anything = fc.oneof(
    fc.constantFrom<unknown>(
      'AUTH_LOGIN',
      'auth.login',
      '2026-01-31T12:00:00Z',
      '2026-02-30T00:00:00Z',
      'SUCCESS',
      'WARNING',
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const names = (type: string) => Object.keys((schema.getType(type) as GraphQLObjectType).getFields());
  const objectOf = (type: string) =>
    fc.dictionary(
      fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...names(type)) }, fc.string()),
      anything,
      { maxKeys: 4 },
    );
  const input = objectOf('LogEventInput').map((fields) => ({ eventType: 'AUTH_LOGIN', ...fields }));

  test('whatever is sent', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            one: fc.oneof(input, anything),
            many: fc.oneof(fc.array(input, { maxLength: 3 }), input, anything),
            filter: fc.oneof(objectOf('AuditEventFilter'), anything),
            n: fc.oneof(fc.integer(), anything),
          },
          { requiredKeys: [] },
        ),
        (given) => expectCoerced(JSON.parse(JSON.stringify(given)) as Variables),
      ),
      { numRuns: 300 },
    );
  });

  test('whole events', () => {
    const event = {
      eventType: 'DATA_READ',
      timestamp: '2026-01-31T12:00:00+02:00',
      details: { a: [1, { b: null }] },
      userId: null,
    };
    expectCoerced({
      one: event,
      many: [event, { ...event, outcome: 'DENIED' }],
      filter: { eventTypes: 'AUTH_LOGIN' },
      n: 5,
    });
    expectCoerced({ many: [event, { ...event, details: { ['__proto__']: 1 }, nope: 1 }] });
  });
});
