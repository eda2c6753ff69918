import { describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { createKey } from './create-key.ts';

let database: TestDatabase;
let service: TestService;
let acme: string;
let rival: string;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  const scopes = ['EVENTS_WRITE', 'EVENTS_READ'] as const;
  acme = (await createKey(service, { name: 'acme', scopes, customerId: 'acme' })).secret;
  rival = (await createKey(service, { name: 'rival', scopes, customerId: 'rival' })).secret;
});

const ONE = 'status event { id customerId details }';
const mutations = [
  ['logEvent', 'LogEventInput!', { eventType: 'AUTH_LOGIN' }],
  ['logEvents', '[LogEventInput!]!', { eventType: 'AUTH_LOGIN' }],
  ['logAuthEvent', 'LogAuthEventInput!', { eventType: 'AUTH_LOGIN' }],
  ['logDataEvent', 'LogDataEventInput!', { action: 'READ', resourceType: 'file', resourceId: '1' }],
  [
    'logSecurityEvent',
    'LogSecurityEventInput!',
    { eventType: 'SECURITY_ALERT', severity: 'INFO', description: '' },
  ],
] as const;

interface Logged {
  status: string;
  event: { id: string; customerId: string };
}

/** Sends one event by the mutation; resolves with what became of it. */
async function log([name, type, input]: (typeof mutations)[number], more: object, key: string) {
  const isList = name === 'logEvents';
  const event = { ...input, ...more };
  const { data, errors } = await service.ask<Record<string, Logged & { results: Logged[] }>>(
    `mutation ($input: ${type}) { ${name}(input: $input) { ${isList ? `results { ${ONE} }` : ONE} } }`,
    { input: isList ? [event, event] : event },
    key,
  );
  if (errors) throw errors[0]?.extensions;
  const answer = data?.[name];
  return (isList ? answer?.results[1] : answer) as Logged;
}

describe.each(mutations.map((mutation) => [mutation[0], mutation] as const))('%s', (name, mutation) => {
  test('fills in the customer of the key', async () => {
    for (const more of [{}, { customerId: null }, { customerId: 'acme' }]) {
      expect(await log(mutation, more, acme)).toMatchObject({ event: { customerId: 'acme' } });
    }
  });

  test('refuses another customer', async () => {
    const path = name === 'logEvents' ? 'input[0].customerId' : 'input.customerId';
    for (const customerId of ['rival', 'ACME', '', 'acme ']) {
      await expect(log(mutation, { customerId }, acme)).rejects.toMatchObject({ code: 'FORBIDDEN', path });
    }
  });

  test('keeps the idempotency keys of customers apart', async () => {
    const idempotencyKey = `once by ${name}`;
    const first = await log(mutation, { idempotencyKey }, acme);
    const other = await log(mutation, { idempotencyKey, details: { a: 1 } }, rival);
    expect(other.event.id).not.toBe(first.event.id);
    expect(await log(mutation, { idempotencyKey }, acme)).toEqual({ ...first, status: 'DUPLICATE' });
  });
});
