import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type TestService } from '../support/service.ts';

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

let database: TestDatabase;
let service: TestService;
let fields: string[];

beforeAll(async () => {
  database = await createDatabase();
  service = await startService(database.url);
  const log = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
  const logged = await service.ask(log, { input: [FULL, EMPTY, { ...FULL, userId: 'other' }] });
  expect(logged).toEqual({ data: { logEvents: { recorded: 3 } } });
  const { data } = await service.ask('{ __type(name: "AuditEvent") { fields { name } } }');
  const { __type: type } = data as unknown as { __type: { fields: { name: string }[] } };
  fields = type.fields.map(({ name }) => name);
});
afterAll(async () => {
  await service.stop();
  await database.drop();
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
  const { data, errors } = await service.ask(
    `query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { ${edge} } } } ${definitions}`,
    { filter },
  );
  expect(errors).toBeUndefined();
  return (data as unknown as List).auditEvents.edges;
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
  await fc.assert(property, { numRuns: 60 });
});
