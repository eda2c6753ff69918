import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { formatCursor } from '../../../src/log/read/cursor.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { TestService } from '../../support/service.ts';
import { openStream, resultsOf } from '../../support/sse.ts';
import { test } from '../../support/test.ts';
import { createKey } from '../create-key.ts';
import { ARGUMENTS, FILTERS } from './arguments.ts';
import { createWorld, data, FOREIGN_MARK, type Seen, timeAt, type World } from './world.ts';

// A key of acme gives every argument a value of globex's, then one of nobody's: the answers must be the same, byte for
// byte, but for the values themselves and what is new in every answer.

let database: TestDatabase;
let service: TestService;
let world: World;
let acme: string;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  world = await createWorld(service);
  const scopes = ['EVENTS_READ', 'EVENTS_WRITE', 'EVENTS_EXPORT'] as const;
  acme = (await createKey(service, { name: 'acme', scopes, customerId: 'acme' })).secret;
});

interface Values {
  foreign: unknown;
  random: unknown;
}

const random = (prefix: string) => `${prefix}-${randomBytes(6).toString('hex')}`;
const ask = (query: string, variables: object): Promise<unknown> => service.ask(query, variables, acme);

/** What an answer says, without what is new in every answer and without the values that were given. */
function neutral(answer: unknown, given: readonly unknown[]): string {
  let text = JSON.stringify(answer);
  for (const value of given) {
    const one = JSON.stringify(value);
    for (const part of [one, one.slice(1, -1)]) text = text.replaceAll(part, '?');
  }
  return text
    .replace(/audit_[\da-f]{32}/g, 'ID')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, 'TIME')
    .replace(/"position":\d+/g, 'POSITION')
    .replace(/"leafHash":"[\da-f]+"/g, 'HASH');
}

/** Asks with each value, and finds the same; returns the answer. */
async function expectSame(give: (value: never) => Promise<unknown>, values: Values): Promise<string> {
  const { foreign, random } = values;
  expect(foreign).not.toEqual(random);
  const [theirs, nobodys] = [await give(foreign as never), await give(random as never)];
  const given = [foreign, random];
  expect(neutral(theirs, given), JSON.stringify(given)).toBe(neutral(nobodys, given));
  expect(neutral(theirs, given)).not.toMatch(FOREIGN_MARK);
  return neutral(theirs, given);
}

async function sameForEveryFilter(give: (filter: object) => Promise<unknown>): Promise<void> {
  for (const [name, values] of Object.entries(FILTERS))
    await expectSame((value) => give({ [name]: value }), values);
}

const PAGE = `{ totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  edges { cursor node { id position customerId userId details } } }`;

const nobodysId = () => `audit_0195${randomBytes(4).toString('hex')}7000${'8'.padEnd(16, '0')}`;

async function expectSameIds(): Promise<void> {
  const own = world.acme[0]?.id;
  const give = (id: string) => ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: [id, own] });
  const answer = await expectSame(give, { foreign: world.globex[0]?.id, random: nobodysId() });
  expect(answer).toBe('{"data":{"nodes":[null,{"id":"ID"}]}}');
}

function expectSameId(field: string): () => Promise<void> {
  return async () => {
    const give = (id: string) => ask(`query ($id: ID!) { ${field}(id: $id) { id } }`, { id });
    const nobodys = nobodysId();
    const answer = await expectSame(give, { foreign: world.globex[0]?.id, random: nobodys });
    expect(answer).toBe(`{"data":{"${field}":null}}`);
  };
}

// Where a cursor stands among acme's events is all that counts: that globex has an event there makes no difference.
function cursors(): Values[] {
  return world.globex.map(({ cursor, position }, index) => ({
    foreign: cursor,
    random: formatCursor({ timestamp: Date.parse(timeAt(index * 2, 1)), position }),
  }));
}

function expectSameCursor(argument: 'after' | 'before', size: 'first' | 'last'): () => Promise<void> {
  return async () => {
    const query = `query ($cursor: String, $orderBy: AuditEventOrder) {
      auditEvents(${argument}: $cursor, ${size}: 1, orderBy: $orderBy) ${PAGE}
    }`;
    for (const orderBy of ['TIMESTAMP_DESC', 'TIMESTAMP_ASC', 'POSITION_DESC', 'POSITION_ASC'])
      for (const values of cursors()) await expectSame((cursor) => ask(query, { cursor, orderBy }), values);
  };
}

const LOG = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { event { id } } }';

async function log(input: object): Promise<string> {
  const answer = await data<{ logEvent: { event: { id: string } } }>(service.ask(LOG, { input }, acme));
  return answer.logEvent.event.id;
}

async function fileOf(filter: object): Promise<string> {
  const query = 'query ($filter: AuditEventFilter) { auditExport(format: NDJSON, filter: $filter) { url } }';
  const { auditExport } = await data<{ auditExport: { url: string } }>(service.ask(query, { filter }, acme));
  const response = await fetch(auditExport.url);
  return `${response.status} ${await response.text()}`;
}

const SUMMARY = `query ($filter: AuditEventFilter) {
  auditSummary(startTime: "2026-02-28T00:00:00Z", endTime: "2026-03-02T00:00:00Z", filter: $filter) {
    totalEvents byType { eventType count } byOutcome { outcome count } bySeverity { severity count }
    timeline(bucket: DAY) { count bySeverity { severity count } }
    topUsers { value count } topIpAddresses { value count } topResources { value count }
  }
}`;

type Shown = { id: string; customerId: string };

/** The events of a feed, as acme sees them. */
async function* feed(field: string, variables: object): AsyncGenerator<Shown, void> {
  const least = field === 'securityAlerts' ? ', minSeverity: DEBUG' : '';
  const query = `subscription ($after: String, $filter: AuditEventFilter) {
    ${field}(after: $after, filter: $filter${least}) { node { id customerId } }
  }`;
  const stream = await openStream(service.url, query, variables, acme);
  try {
    for await (const { data } of resultsOf<{ data: Record<string, { node: Shown }> }>(stream))
      yield data[field]?.node as Shown;
  } finally {
    stream.disconnect();
  }
}

function expectSameStart(field: string): () => Promise<void> {
  return async () => {
    for (const values of cursors().slice(0, 2)) {
      await expectSame(async (after) => (await feed(field, { after }).next()).value, values);
    }
  };
}

// Acme adds an event that fits the filter: up to that one the feed from the beginning shows nothing but acme's.
function expectOwnAlone(field: string): () => Promise<void> {
  return async () => {
    for (const [name, { foreign, random: nobodys, fitting }] of Object.entries(FILTERS)) {
      if (name === 'customerId') continue; // Nothing at all fits that, as the next test shows.
      for (const value of [foreign, nobodys]) {
        const base = { eventType: 'DATA_DELETE', severity: 'CRITICAL', outcome: 'DENIED' };
        const id = await log({ ...base, ...fitting(value as never) });
        for await (const node of feed(field, { after: 'beginning', filter: { [name]: value } })) {
          expect(node.customerId).toBe('acme');
          if (node.id === id) break;
        }
      }
    }
    await expectNothingOf(field);
  };
}

async function expectNothingOf(field: string): Promise<void> {
  const shown: string[] = [];
  const filtered = ['globex', 'nobody'].map(async (customerId) => {
    for await (const { id } of feed(field, { after: 'beginning', filter: { customerId } })) shown.push(id);
  });
  await log({ eventType: 'DATA_DELETE' });
  const id = await log({ eventType: 'DATA_DELETE' });
  for await (const node of feed(field, { after: 'beginning' })) if (node.id === id) break;
  expect(shown).toEqual([]);
  expect(filtered).toHaveLength(2);
}

const CHECKPOINT = `query ($customerId: String, $treeSize: SafeInt) {
  checkpoint(customerId: $customerId, treeSize: $treeSize) { treeSize note }
}`;
const PROOF = `query ($from: SafeInt!, $to: SafeInt!, $customerId: String) {
  consistencyProof(from: $from, to: $to, customerId: $customerId) { hashes }
}`;
const INCLUSION = `query ($id: ID!, $treeSize: SafeInt) {
  auditEvent(id: $id) { inclusionProof(treeSize: $treeSize) { hashes } }
}`;
const CUSTOMERS = { foreign: 'globex', random: 'nobody' };

let ofOthers: Promise<Values[]> | undefined;

/** Sizes that other trees had when they were signed, all larger than acme's, and sizes that none ever had. */
function sizes(): Promise<Values[]> {
  ofOthers ??= makeSizes();
  return ofOthers;
}

async function makeSizes(): Promise<Values[]> {
  const input = Array.from({ length: 1_000 }, () => ({ eventType: 'DATA_READ', customerId: 'globex' }));
  await data(
    service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', { input }),
  );
  const sizeOf = async (customerId?: string) =>
    (await data<{ checkpoint: { treeSize: number } }>(service.ask(CHECKPOINT, { customerId }))).checkpoint
      .treeSize;
  const [log, globex] = [await sizeOf(), await sizeOf('globex')];
  return [
    { foreign: log, random: log + 54_321 },
    { foreign: globex, random: globex + 54_321 },
  ];
}

async function expectSameSize(give: (size: number) => Promise<unknown>): Promise<void> {
  for (const values of await sizes()) await expectSame(give, values);
}

const EVENTS = {
  LogEventInput: ['logEvent', { eventType: 'AUTH_LOGIN' }],
  LogAuthEventInput: ['logAuthEvent', { eventType: 'AUTH_LOGIN' }],
  LogDataEventInput: ['logDataEvent', { action: 'READ', resourceType: 'r', resourceId: '1' }],
  LogSecurityEventInput: [
    'logSecurityEvent',
    { eventType: 'SECURITY_ALERT', severity: 'INFO', description: 'd' },
  ],
} as const;

const PAYLOAD = '{ status event { id position customerId leafHash timestamp } }';
const writing = (type: string, field: string) =>
  `mutation ($input: ${type}!) { ${field}(input: $input) ${PAYLOAD} }`;
const BATCH = `mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded duplicates results ${PAYLOAD} } }`;

function waysOf(type: keyof typeof EVENTS): [query: string, input: object][] {
  const [field, input] = EVENTS[type];
  const one: [string, object] = [writing(type, field), input];
  return type === 'LogEventInput' ? [one, [BATCH, input]] : [one];
}

function expectFreeKeys(type: keyof typeof EVENTS): () => Promise<void> {
  return async () => {
    for (const [query, input] of waysOf(type)) {
      for (const customerId of ['globex', undefined]) {
        for (const more of [{}, { userId: 'of another content' }]) {
          const used = random('used');
          await data(service.ask(query, { input: { ...input, customerId, idempotencyKey: used } }));
          const give = (idempotencyKey: string) =>
            ask(query, { input: { ...input, ...more, idempotencyKey } });
          const answer = await expectSame(give, { foreign: used, random: random('free') });
          expect(answer).toMatch(/"status":"RECORDED"/);
        }
      }
    }
  };
}

function expectForbidden(give: (customerId: string) => Promise<unknown>): () => Promise<void> {
  return async () => expect(await expectSame(give, CUSTOMERS)).toMatch(/FORBIDDEN/);
}

const forOthers = (type: keyof typeof EVENTS) => async () => {
  for (const [query, input] of waysOf(type))
    await expectForbidden((customerId) => ask(query, { input: { ...input, customerId } }))();
};

/** Every reference of `ARGUMENTS`. Those that add events come last. */
const CASES: Record<string, () => Promise<void>> = {
  'Query.node.id': expectSameId('node'),
  'Query.nodes.ids': expectSameIds,
  'Query.auditEvent.id': expectSameId('auditEvent'),
  'Query.auditEvents.after': expectSameCursor('after', 'first'),
  'Query.auditEvents.before': expectSameCursor('before', 'last'),
  'Query.auditEvents.filter': () =>
    sameForEveryFilter((filter) =>
      ask(`query ($filter: AuditEventFilter) { auditEvents(filter: $filter) ${PAGE} }`, { filter }),
    ),
  'Query.auditSummary.filter': () => sameForEveryFilter((filter) => ask(SUMMARY, { filter })),
  'Query.auditExport.filter': () => sameForEveryFilter(fileOf),
  'Query.checkpoint.customerId': expectForbidden((customerId) => ask(CHECKPOINT, { customerId })),
  'Query.checkpoint.treeSize': () => expectSameSize((treeSize) => ask(CHECKPOINT, { treeSize })),
  'Query.consistencyProof.customerId': expectForbidden((customerId) =>
    ask(PROOF, { customerId, from: 1, to: 2 }),
  ),
  'Query.consistencyProof.from': () => expectSameSize((from) => ask(PROOF, { from, to: 999_999 })),
  'Query.consistencyProof.to': () => expectSameSize((to) => ask(PROOF, { from: 1, to })),
  'AuditEvent.inclusionProof.treeSize': () => {
    const { id } = world.acme[0] as Seen;
    return expectSameSize((treeSize) => ask(INCLUSION, { id, treeSize }));
  },
  'Mutation.revokeApiKey.id': async () => {
    const { key } = await createKey(service, {
      name: 'globex',
      scopes: ['EVENTS_READ'],
      customerId: 'globex',
    });
    const give = (id: string) => ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id });
    const answer = await expectSame(give, {
      foreign: key.id,
      random: `key_${randomBytes(12).toString('hex')}`,
    });
    expect(answer).toContain('FORBIDDEN');
  },
  'Subscription.auditEvents.after': expectSameStart('auditEvents'),
  'Subscription.securityAlerts.after': expectSameStart('securityAlerts'),
  'LogEventInput.customerId': forOthers('LogEventInput'),
  'LogAuthEventInput.customerId': forOthers('LogAuthEventInput'),
  'LogDataEventInput.customerId': forOthers('LogDataEventInput'),
  'LogSecurityEventInput.customerId': forOthers('LogSecurityEventInput'),
  'LogEventInput.idempotencyKey': expectFreeKeys('LogEventInput'),
  'LogAuthEventInput.idempotencyKey': expectFreeKeys('LogAuthEventInput'),
  'LogDataEventInput.idempotencyKey': expectFreeKeys('LogDataEventInput'),
  'LogSecurityEventInput.idempotencyKey': expectFreeKeys('LogSecurityEventInput'),
  'Subscription.auditEvents.filter': expectOwnAlone('auditEvents'),
  'Subscription.securityAlerts.filter': expectOwnAlone('securityAlerts'),
};

test('every reference of the schema is tried', () => {
  const references = Object.keys(ARGUMENTS).filter((name) => ARGUMENTS[name] === 'reference');
  expect(Object.keys(CASES).toSorted()).toEqual(references.toSorted());
});

test.each(Object.entries(CASES))("%s: another customer's is the same as nobody's", async (_name, tryIt) => {
  await tryIt();
});
