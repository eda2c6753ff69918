import { expect } from 'vitest';
import type { EventDraft } from '../../../src/events/fields.ts';
import { createKey } from '../../auth/create-key.ts';
import type { TestDatabase } from '../../support/database.ts';
import { COUNT_EVENTS } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import { DISGUISES } from '../../support/reserved.ts';
import { dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  // A filter that changes what it is shown, which its type forbids.
  const filters = [
    (draft: EventDraft) => {
      if (draft.action === 'disguise me') draft.resourceType = 'audit_log';
      return true;
    },
  ];
  service = await startService(database.url, {}, { filters });
});

const LOG_MANY = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';

/** Every mutation that takes a resource type, with the path of that in it. */
const MUTATIONS: Record<string, { query: string; path: string }> = {
  logEvent: {
    query:
      'mutation ($type: String!) { logEvent(input: { eventType: SYSTEM_SHUTDOWN, resourceType: $type }) { status } }',
    path: 'input.resourceType',
  },
  logEvents: {
    query: `mutation ($type: String!) { logEvents(input: [
      { eventType: DATA_READ }, { eventType: SYSTEM_SHUTDOWN, action: "service.stop", userId: "admin", resourceType: $type }
    ]) { recorded } }`,
    path: 'input[1].resourceType',
  },
  logDataEvent: {
    query:
      'mutation ($type: String!) { logDataEvent(input: { action: DELETE, resourceType: $type, resourceId: "1" }) { status } }',
    path: 'input.resourceType',
  },
};

const INPUTS = graphql(`
  query Inputs {
    __schema {
      types { name inputFields { name } }
      mutationType {
        fields { name args { type { name ofType { name ofType { name ofType { name } } } } } }
      }
    }
  }
`);

async function count(): Promise<number> {
  return dataOf(await service.ask(COUNT_EVENTS)).auditEvents.totalCount;
}

test('no other mutation takes a resource type', async () => {
  const { types, mutationType } = dataOf(await service.ask(INPUTS)).__schema;
  expect(mutationType).not.toBeNull();
  const inputs = types.filter(({ inputFields }) => inputFields?.some(({ name }) => name === 'resourceType'));
  const taking = (mutationType?.fields ?? []).filter(({ args }) =>
    inputs.some(({ name }) => JSON.stringify(args).includes(`"${name}"`)),
  );
  expect(taking.map(({ name }) => name).sort()).toEqual(Object.keys(MUTATIONS).sort());
});

test.each(Object.entries(MUTATIONS))('%s refuses what looks like an event of the log', async (_, one) => {
  const before = await count();
  for (const type of ['audit_log', 'audit_log.api_key', ' Audit_Log', ...DISGUISES.slice(9, 13)]) {
    const { errors } = await service.ask(one.query, { type });
    expect(errors?.[0]?.extensions, type).toMatchObject({ code: 'BAD_USER_INPUT', path: one.path });
  }
  expect((await service.ask(one.query, { type: 'audit_logs' })).errors).toBeUndefined();
  expect(await count()).toBe(before + (one.path.includes('[') ? 2 : 1));
});

test('of a batch nothing is recorded when one of its events looks like one of the log', async () => {
  const before = await count();
  const input = Array.from({ length: 1_000 }, (_, n) => ({
    eventType: 'DATA_READ',
    resourceType: n === 999 ? 'AUDIT_LOG' : 'file',
  }));
  const { errors } = await service.ask(LOG_MANY, { input });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'input[999].resourceType' });
  expect(await count()).toBe(before);
});

test('a filter of the deployment cannot give a client event the name either', async () => {
  const before = await count();
  const { errors } = await service.ask(
    'mutation { logEvent(input: { eventType: DATA_READ, action: "disguise me" }) { status } }',
  );
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL' });
  expect(await count()).toBe(before);
});

test("the log's own events have it: of keys, with what they are about", async () => {
  await createKey(service, { name: 'reader', scopes: ['EVENTS_READ'] });
  const listed = await service.ask(
    '{ auditEvents(filter: { resourceType: "audit_log.api_key" }) { edges { node { action } } } }',
  );
  expect(JSON.stringify(listed.data)).toContain('api_key.create');
});
