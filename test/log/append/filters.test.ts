import { afterEach, beforeEach, expect } from 'vitest';
import type { EventDraft } from '../../../src/events/fields.ts';
import type { TestDatabase } from '../../support/database.ts';
import { keepLog, type LogLine } from '../../support/log-lines.ts';
import { COUNT_EVENTS } from '../../support/operations/events.ts';
import { type Answer, dataOf, startService, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let service: TestService;
let lines: LogLine[];
let seen: EventDraft[];

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

beforeEach(async () => {
  const kept = keepLog();
  lines = kept.lines;
  seen = [];
  const filters = [
    async ({ action }: EventDraft) => {
      if (action === 'hanging') await new Promise(() => undefined);
      return action !== 'unwanted';
    },
    (event: EventDraft) => {
      seen.push(event);
      if (event.action === 'fatal') throw new Error('the filter knows a secret: 42');
      return event.userId !== 'robot';
    },
  ];
  service = await startService(database.url, { FILTER_TIMEOUT_MS: '200' }, { filters, log: kept.log });
});
afterEach(() => service.stop());

async function count(): Promise<number> {
  return dataOf(await service.ask(COUNT_EVENTS)).auditEvents.totalCount;
}

function log(...input: object[]): Promise<Answer> {
  return service.ask(
    `mutation ($input: [LogEventInput!]!) {
      logEvents(input: $input) { recorded duplicates filtered results { status event { action } } }
    }`,
    { input: input.map((one) => ({ eventType: 'DATA_READ', ...one })) },
  );
}

test('what a filter declines is FILTERED, without an event, and the rest is recorded', async () => {
  const before = await count();
  const { data } = await log(
    { action: 'a' },
    { action: 'unwanted' },
    { action: 'b', userId: 'robot' },
    { action: 'c' },
  );
  expect(data).toEqual({
    logEvents: {
      recorded: 2,
      duplicates: 0,
      filtered: 2,
      results: [
        { status: 'RECORDED', event: { action: 'a' } },
        { status: 'FILTERED', event: null },
        { status: 'FILTERED', event: null },
        { status: 'RECORDED', event: { action: 'c' } },
      ],
    },
  });
  // In order: what the first declined, the second never saw.
  expect(seen.map(({ action }) => action)).toEqual(['a', 'b', 'c']);
  expect(await count()).toBe(before + 2);
});

test('every mutation passes the filters, and a filtered event uses up no idempotency key', async () => {
  const before = await count();
  const logged = await service.ask(`mutation {
    logEvent(input: { eventType: DATA_READ, userId: "robot", idempotencyKey: "k" }) { status event { id } }
    logAuthEvent(input: { eventType: AUTH_LOGIN, userId: "robot" }) { status event { id } }
    logDataEvent(input: { action: READ, resourceType: "a", resourceId: "b", userId: "robot" }) { status event { id } }
    logSecurityEvent(input: { eventType: SECURITY_ALERT, severity: CRITICAL, description: "", userId: "robot" }) {
      status event { id }
    }
  }`);
  const filtered = { status: 'FILTERED', event: null };
  expect(logged.data).toEqual({
    logEvent: filtered,
    logAuthEvent: filtered,
    logDataEvent: filtered,
    logSecurityEvent: filtered,
  });
  expect(await count()).toBe(before);
  expect((await log({ idempotencyKey: 'k' })).data?.logEvents).toMatchObject({ recorded: 1, duplicates: 0 });
});

test('a filter that throws fails the mutation: nothing is recorded, and its words stay in the log', async () => {
  const before = await count();
  const { errors } = await log({ action: 'a' }, { action: 'fatal' }, { action: 'c' });
  expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL', requestId: expect.any(String) } }]);
  expect(JSON.stringify(errors)).not.toContain('secret');
  expect(await count()).toBe(before);
  const { requestId } = errors?.[0]?.extensions ?? {};
  expect(lines).toContainEqual(
    expect.objectContaining({
      requestId,
      err: expect.objectContaining({ message: 'the filter knows a secret: 42' }),
    }),
  );
});

test('a filter that hangs fails the mutation in time: nothing is recorded, and the next one is not held up', async () => {
  const before = await count();
  const { errors } = await log({ action: 'a' }, { action: 'hanging' });
  expect(errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
  expect(await count()).toBe(before);
  expect((await log({ action: 'a' })).data?.logEvents).toMatchObject({ recorded: 1 });
});
