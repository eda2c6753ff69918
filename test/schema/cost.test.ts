import {
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createCatalog } from '../../src/events/catalog.ts';
import { costOf, declaredCost } from '../../src/schema/cost.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { checkShape, scanDocument } from '../../src/server/document-limits.ts';
import { EXAMPLES } from '../../src/server/graphiql/examples.ts';

const schema = createSchema(createCatalog([]));
const { MAX_QUERY_COST } = readConfig({});
const EVENT = Object.values(fieldsOf(schema, 'AuditEvent'))
  .filter(({ type }) => !isCompositeType(getNamedType(type)))
  .map(({ name }) => name)
  .filter((name) => name !== 'proofBundle')
  .join(' ');

function fieldsOf(of: GraphQLSchema, name: string) {
  const type = of.getType(name);
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
}

function price(query: string, variableValues: Record<string, unknown> = {}): number {
  scanDocument(query);
  const document = parse(query);
  checkShape(document);
  expect(validate(schema, document)).toEqual([]);
  return costOf({ schema, document, variableValues });
}

describe('the cost', () => {
  test('of every list says as how many objects it is counted', () => {
    const lists = Object.keys(schema.getTypeMap())
      .filter((type) => type !== '__Type' && type !== '__Field')
      .flatMap((type) => Object.values(fieldsOf(schema, type)).map((field) => ({ type, field })))
      .filter(
        ({ field: { type } }) => isListType(getNullableType(type)) && isCompositeType(getNamedType(type)),
      );
    expect(lists.length).toBeGreaterThan(5);
    for (const { type, field } of lists) {
      const place = schema.getType(type);
      const cost = place && declaredCost(place, field);
      expect(cost?.objects, `a cost for ${type}.${field.name}`).toBeDefined();
    }
  });
});

test.each(['valueOf', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
  'the cost is the same when a variable is called %s',
  (name) => {
    const page = (variable: string, value = '') =>
      `query ($${variable}: Int${value}) { auditEvents(first: $${variable}) { edges { node { id } } } }`;
    const given = (variable: string) => JSON.parse(`{"${variable}": 900}`) as Record<string, unknown>;
    expect(price(page(name, ' = 1000'))).toBe(price(page('n', ' = 1000')));
    expect(price(page(name))).toBe(price(page('n')));
    expect(price(page(name), given(name))).toBe(price(page('n'), given('n')));
  },
);

describe('within the default budget', () => {
  test('what GraphiQL sends: its introspection query', () => {
    const everything = {
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    };
    expect(price(getIntrospectionQuery(everything))).toBeLessThan(MAX_QUERY_COST / 2);
  });

  test.each(EXAMPLES)('what GraphiQL opens with: %#', ({ query, variables }) => {
    expect(price(query, variables)).toBeLessThan(MAX_QUERY_COST / 4);
  });

  test('a page of 1,000 whole events, and its count', () => {
    const page = `{ auditEvents(first: 1000) { totalCount pageInfo { endCursor } edges { cursor node { ${EVENT} } } } }`;
    expect(price(page)).toBeLessThan(MAX_QUERY_COST / 2);
  });

  test('a page of 1,000 whole events with a proof of each', () => {
    const page = `{ auditEvents(first: 1000) { edges { node { ${EVENT} inclusionProof { leafIndex treeSize hashes } } } } }`;
    expect(price(page)).toBeLessThan(MAX_QUERY_COST);
  });

  test('a summary of everything', () => {
    const counts = '{ value count }';
    const summary = `{ auditSummary { totalEvents byType { eventType count } byOutcome { outcome count }
      bySeverity { severity count } timeline(bucket: MINUTE) { start count bySeverity { severity count } }
      topUsers ${counts} topIpAddresses ${counts} topResources(first: 1000) ${counts} } }`;
    expect(price(summary)).toBeLessThan(MAX_QUERY_COST);
  });

  test('a batch of 1,000 events that come back whole', () => {
    const batch = `mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded results { status event { ${EVENT} } } } }`;
    expect(price(batch, { input: Array.from({ length: 1_000 }, () => ({})) })).toBeLessThan(MAX_QUERY_COST);
  });
});

describe('a price follows', () => {
  const page = (first: string) => `{ auditEvents(first: ${first}) { edges { node { id } } } }`;
  const asked = (first: number) => price(`query ($n: Int) ${page('$n')}`, { n: first });

  test('the size of the page, be it a literal, a variable or the default of a variable', () => {
    expect(price(page('1000')) - price(page('100'))).toBe(900 * 3);
    expect(asked(1_000)).toBe(price(page('1000')));
    expect(price(`query ($n: Int = 1000) ${page('$n')}`)).toBe(price(page('1000')));
    expect(price('{ auditEvents(last: 1000) { edges { node { id } } } }')).toBe(price(page('1000')));
    expect(price(`query ($n: Int) ${page('$n')}`)).toBe(price(page('100')));
  });

  test('no size that is refused anyway', () => {
    expect(asked(2_000_000_000)).toBe(asked(1_000));
    expect(asked(-5)).toBe(asked(0));
  });

  test('fragments wherever they are spread', () => {
    const spread =
      '{ ...q } fragment q on Query { auditEvents(first: 7) { ...c } } fragment c on AuditEventConnection { ... { edges { node { ...n } } } } fragment n on Node { id }';
    expect(price(spread)).toBe(price(page('7')));
  });

  test('a type behind an interface', () => {
    const proof = '{ node(id: "x") { ... on AuditEvent { inclusionProof { treeSize } } } }';
    expect(price(proof)).toBeGreaterThan(price('{ node(id: "x") { ... on AuditEvent { id } } }') + 10);
  });

  test('aliases, each in full', () => {
    const top = (alias: string) => `${alias}: topUsers(first: 1000) { count }`;
    const tops = (aliases: string[]) => price(`{ auditSummary { ${aliases.map(top).join(' ')} } }`);
    expect(tops(['a', 'b', 'c']) - tops(['a', 'b'])).toBe(tops(['a', 'b']) - tops(['a']));
  });

  test('the points of a timeline', () => {
    const timeline = (bucket: string, end: string) =>
      price(
        `{ auditSummary(startTime: "2026-01-01T00:00:00Z", endTime: "${end}") { timeline(bucket: ${bucket}) { count } } }`,
      );
    expect(timeline('HOUR', '2026-01-03T00:00:00Z') - timeline('DAY', '2026-01-03T00:00:00Z')).toBe(
      (49 - 3) * 2,
    );
    expect(timeline('MINUTE', '2036-01-03T00:00:00Z')).toBeLessThan(50_000);
  });
});
