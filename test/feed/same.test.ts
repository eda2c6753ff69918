import fc from 'fast-check';
import { expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';

const EVENT = `cursor node {
  id position timestamp recordedAt eventType outcome severity userId customerId sessionId ipAddress userAgent requestId
  resourceType resourceId action description details oldValues newValues leafHash
}`;

let database: TestDatabase;
let services: [writer: TestService, other: TestService];

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  services = [await startService(database.url), await startService(database.url)];
});

const text = fc.constantFrom('a', '', 'é', '😀', '"\\', '\u2028', 'İ', '{"a":1}');
const json = fc.dictionary(
  fc.constantFrom('b', 'a', 'aa', 'é', ''),
  fc.oneof(
    text,
    fc.constantFrom(null, true, 0, -0, 1e-7, 0.1, 5e-324, 2 ** 53 - 1, 1.5),
    fc.array(fc.dictionary(text, text)),
  ),
);
const event = fc.record(
  {
    eventType: fc.constantFrom('AUTH_LOGIN', 'DATA_READ'),
    severity: fc.constantFrom('INFO', 'CRITICAL'),
    timestamp: fc.constantFrom('2026-01-31T12:00:00.5+02:00', '0100-01-01T00:00:00Z'),
    userId: fc.constantFrom('auth0|1', 'é'),
    ipAddress: fc.constantFrom('10.0.0.1', '2001:DB8:0:0::1', '::ffff:10.0.0.1'),
    description: text,
    details: json,
    oldValues: json,
    newValues: json,
  },
  { requiredKeys: ['eventType'] },
);

/** Follows everything on an instance; the answer has what came. */
async function followAll(service: TestService): Promise<{ events: unknown[]; end: () => void }> {
  const { socket, send, next } = await connectSocket(service.url);
  const events: unknown[] = [];
  send({ type: 'subscribe', id: 'all', payload: { query: `subscription { auditEvents { ${EVENT} } }` } });
  await vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);
  const read = async () => {
    for (;;) events.push(((await next()).payload as { data: { auditEvents: unknown } }).data.auditEvents);
  };
  read().catch(() => undefined);
  return { events, end: () => socket.terminate() };
}

test('an event on the feed is the one that the log has, where it was recorded and elsewhere', async () => {
  const [writer] = services;
  const input = fc.sample(event, { numRuns: 100, seed: Number(process.env.SEED ?? 7) });
  const following = await Promise.all(services.map(followAll));
  for (let start = 0; start < input.length; start += 20) {
    const log = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
    const answer = await writer.ask(log, { input: input.slice(start, start + 20) });
    expect(answer).toEqual({ data: { logEvents: { recorded: 20 } } });
  }
  const answer = await writer.ask<{ auditEvents: { edges: unknown[] } }>(
    `{ auditEvents(orderBy: POSITION_ASC) { edges { ${EVENT} } } }`,
  );
  const { edges } = dataOf(answer).auditEvents;
  expect(edges).toHaveLength(100);
  for (const { events, end } of following) {
    await vi.waitFor(() => expect(events).toHaveLength(100), 10_000);
    end();
    expect(events).toEqual(edges);
  }
});
