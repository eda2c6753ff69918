import fc from 'fast-check';
import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { runsOf } from '../support/runs.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

type Fields = Record<string, unknown>;
interface List {
  auditEvents: { edges: { cursor: string; node: Fields }[] };
}

const EMPTY = { eventType: 'AUTH_LOGIN' };
const FULL = {
  eventType: 'DATA_UPDATE',
  outcome: 'DENIED',
  severity: 'WARNING',
  timestamp: '2026-01-31T12:00:00.123Z',
  userId: 'user',
  customerId: 'acme',
  sessionId: 'session',
  ipAddress: '2001:db8::1',
  userAgent: 'agent',
  requestId: 'request',
  resourceType: 'file',
  resourceId: '/tmp',
  action: 'rename the file',
  description: 'what it was about',
  details: { b: 1, a: [null, { c: 'x' }] },
  oldValues: { name: 'old' },
  newValues: { name: 'new' },
};

const FIELDS_OF_EVENT = graphql(`
  query FieldsOfEvent {
    __type(name: "AuditEvent") { fields { name } }
  }
`);

let database: TestDatabase;
let service: TestService;
let fields: string[];

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  const log = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
  const logged = await service.ask(log, { input: [FULL, EMPTY, { ...FULL, userId: 'other' }] });
  expect(logged).toEqual({ data: { logEvents: { recorded: 3 } } });
  const { __type: type } = dataOf(await service.ask(FIELDS_OF_EVENT));
  fields = (type?.fields ?? []).map(({ name }) => name);
});

// A field whose value is an object has to be asked what of it.
const selectionOf = (name: string) => (name === 'inclusionProof' ? `${name} { leafIndex hashes }` : name);

/** Ways to write the same selection. */
const WAYS: readonly ((selection: string) => [edge: string, definitions: string])[] = [
  (selection) => [`cursor node { ${selection} }`, ''],
  (selection) => [`node { ${selection} } cursor`, ''],
  (selection) => [`cursor node { ... on Node { ... on AuditEvent { ${selection} } } }`, ''],
  (selection) => [
    'cursor ...Edge',
    `fragment Edge on AuditEventEdge { node { ...Event } } fragment Event on AuditEvent { ${selection} }`,
  ],
];
const FILTERS = [
  {},
  { customerId: 'acme' },
  { userId: 'user' },
  { search: 'rename' },
  { severities: ['INFO'] },
];

async function list(
  edge: string,
  definitions: string,
  filter: object,
): Promise<List['auditEvents']['edges']> {
  const { data, errors } = await service.ask<List>(
    `query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { ${edge} } } } ${definitions}`,
    { filter },
  );
  return dataOf({ data, errors }).auditEvents.edges;
}

test('a field of a list is the same whichever others are asked for, and however', async () => {
  const property = fc.asyncProperty(
    fc.subarray(fields, { minLength: 1 }),
    fc.constantFrom(...WAYS),
    fc.constantFrom(...FILTERS),
    async (asked, way, filter) => {
      const all = await list(`cursor node { ${fields.map(selectionOf).join(' ')} }`, '', filter);
      expect(all.length).toBeGreaterThan(0);
      const some = await list(
        ...way(asked.map((name) => `its_${name}: ${selectionOf(name)}`).join(' ')),
        filter,
      );
      expect(some).toEqual(
        all.map(({ cursor, node }) => ({
          cursor,
          node: Object.fromEntries(asked.map((name) => [`its_${name}`, node[name]])),
        })),
      );
    },
  );
  await fc.assert(property, { numRuns: runsOf(60, 20) });
});
