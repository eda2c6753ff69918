import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { buildSchema, type GraphQLEnumType } from 'graphql';
import { expect } from 'vitest';
import {
  AuditEvent,
  type AuditLog,
  EVENT_TYPES,
  getAuditLog,
  type LogResult,
  OUTCOMES,
  SEVERITIES,
} from '../../src/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';
import { test } from '../support/test.ts';

// The design that this product began with is a module: an event with its types, outcomes and severities; a logger with
// functions to log, query, summarise, export, filter, handle and clean up; and one logger for the process. Its text is not
// in this repository: the rows are those of the list by which the library was ordered. Each has its counterpart here, with
// its arguments and defaults. Two are otherwise than a module with a buffer in memory would have them, and the README says
// so: there is no buffer but the database, and what is cleaned up goes by the time of recording and is itself an event.

let database: TestDatabase;
let log: AuditLog;

test.beforeAll(async ({ createDatabase, openTestLog }) => {
  database = await createDatabase();
  log = await openTestLog(database.url);
});

function eventOf({ status, event }: LogResult): AuditEvent {
  expect(status).toBe('RECORDED');
  if (!event) throw new Error('there is no event');
  return event;
}

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const namesOf = (name: string) =>
  (schema.getType(name) as GraphQLEnumType).getValues().map((value) => value.name);
const enumName = (value: string) => value.replaceAll('.', '_').toUpperCase();

test('types, outcomes and severities are dotted and lower-case values, the same as the API has', () => {
  expect(EVENT_TYPES).toContain('auth.login_failed');
  expect(EVENT_TYPES.map(enumName).sort()).toEqual(namesOf('AuditEventType').sort());
  expect(OUTCOMES).toEqual(['success', 'failure', 'error', 'denied']);
  expect(SEVERITIES).toEqual(['debug', 'info', 'warning', 'error', 'critical']);
});

test('an event: what is not given has a default', async () => {
  const before = Date.now();
  const event = eventOf(await log.log({ eventType: 'config.changed' }));
  expect(event).toBeInstanceOf(AuditEvent);
  expect(event.id).toMatch(/^audit_[0-9a-f]{32}$/);
  expect(event.timestamp).toBeGreaterThanOrEqual(before);
  expect(event).toMatchObject({ outcome: 'success', severity: 'info', description: '', details: {} });
  expect(event.action).toBe('config.changed');
  expect(event.userId).toBeUndefined();
});

test('an event to a dictionary in snake_case, and back', async () => {
  const all = {
    eventType: 'data.update',
    userId: 'u',
    customerId: 'c',
    sessionId: 's',
    ipAddress: '192.0.2.1',
    userAgent: 'a',
    requestId: 'r',
    resourceType: 'file',
    resourceId: '1',
    details: { k: 'v' },
    oldValues: { a: 1 },
    newValues: { a: 2 },
  } as const;
  const event = eventOf(await log.log(all));
  const record = event.toJSON();
  expect(Object.keys(record).sort()).toEqual(
    [
      ...['action', 'customer_id', 'description', 'details', 'event_type', 'id', 'ip_address', 'new_values'],
      ...['old_values', 'outcome', 'position', 'recorded_at', 'request_id', 'resource_id', 'resource_type'],
      ...['salt', 'session_id', 'severity', 'timestamp', 'user_agent', 'user_id', 'v'],
    ].sort(),
  );
  expect(record.timestamp).toBe(new Date(event.timestamp).toISOString());
  expect(new AuditEvent(record)).toEqual(event);
});

test('log_auth_event: success is true by default; false is a failure with severity warning', async () => {
  const context = { userId: 'alice', ipAddress: '192.0.2.1', userAgent: 'curl', sessionId: 's', details: {} };
  const login = eventOf(await log.logAuthEvent({ eventType: 'auth.login', ...context }));
  expect(login).toMatchObject({ outcome: 'success', severity: 'info', action: 'auth.login', ...context });
  const failed = eventOf(await log.logAuthEvent({ eventType: 'auth.login_failed', success: false }));
  expect(failed).toMatchObject({ outcome: 'failure', severity: 'warning' });
  await expect(log.logAuthEvent({ eventType: 'data.read' })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    path: 'input.eventType',
  });
});

test.each(['read', 'create', 'update', 'delete', 'export', 'import'] as const)(
  'log_data_event: %s is the type',
  async (action) => {
    const resource = { resourceType: 'invoice', resourceId: '7' };
    const values = { oldValues: { total: 1 }, newValues: { total: 2 } };
    const event = eventOf(await log.logDataEvent({ action, ...resource, ...values, userId: 'bob' }));
    const eventType = `data.${action}`;
    expect(event).toMatchObject({ eventType, action: eventType, ...resource, ...values, userId: 'bob' });
  },
);

test('log_data_event: the resource and a known action are required', async () => {
  await expect(log.logDataEvent({ action: 'read' } as never)).rejects.toMatchObject({
    path: 'input.resourceType',
  });
  await expect(
    log.logDataEvent({ action: 'look' as never, resourceType: 'a', resourceId: 'b' }),
  ).rejects.toMatchObject({ path: 'input.action' });
});

test('log_security_event: type, severity and description are required, the outcome is success', async () => {
  const alert = { eventType: 'security.alert', severity: 'critical', description: 'port scan' } as const;
  const event = eventOf(await log.logSecurityEvent({ ...alert, ipAddress: '192.0.2.9' }));
  expect(event).toMatchObject({ ...alert, outcome: 'success', action: 'security.alert' });
  await expect(
    log.logSecurityEvent({ eventType: 'security.alert', severity: 'error' } as never),
  ).rejects.toMatchObject({ path: 'input.description' });
});

test('log_many: all or none, in order', async () => {
  const results = await log.logMany([{ eventType: 'data.read' }, { eventType: 'data.create' }]);
  const [first, second] = results.map(eventOf) as [AuditEvent, AuditEvent];
  expect(second.position).toBe(first.position + 1);
});

test('query: 100 events by default, what happened last first, from an offset', async () => {
  await log.logMany(Array.from({ length: 120 }, () => ({ eventType: 'data.read', userId: 'many' })));
  const page = await log.query({ userId: 'many' });
  expect([page.events.length, page.hasNextPage, typeof page.endCursor]).toEqual([100, true, 'string']);
  const positions = page.events.map(({ position }) => position);
  expect(positions).toEqual([...positions].sort((a, b) => b - a));
  const rest = await log.query({ userId: 'many' }, { offset: 100 });
  expect([rest.events.length, rest.hasNextPage]).toEqual([20, false]);
  expect((await log.query({ userId: 'many' }, { after: page.endCursor })).events).toEqual(rest.events);
});

test.each([
  ['eventTypes', { eventTypes: ['security.alert'] }],
  ['categories', { categories: ['security'] }],
  ['outcomes', { outcomes: ['failure'] }],
  ['severities', { severities: ['critical'] }],
  ['minSeverity', { minSeverity: 'warning' }],
  ['userId', { userId: 'alice' }],
  ['customerId', { customerId: 'c' }],
  ['sessionId', { sessionId: 's' }],
  ['requestId', { requestId: 'r' }],
  ['ipAddress', { ipAddress: '192.0.2.8/30' }],
  ['resourceType and resourceId', { resourceType: 'invoice', resourceId: '7' }],
  ['action', { action: 'security.alert' }],
  ['search', { search: '"port scan"' }],
  ['details', { details: { k: 'v' } }],
  ['oldValues', { oldValues: { total: 1 }, search: 'total' }],
  ['a period', { startTime: new Date(0), endTime: Date.now() + 60_000, userId: 'bob' }],
] as const)('query: the filter %s finds some and not all', async (_name, filter) => {
  const { events } = await log.query(filter);
  expect(events.length).toBeGreaterThan(0);
  expect(events.some(({ eventType }) => eventType === 'config.changed')).toBe(false);
});

test('get: by its id', async () => {
  const event = eventOf(await log.log({ eventType: 'data.read' }));
  expect(await log.get(event.id)).toEqual(event);
  expect(await log.get('audit_nope')).toBeUndefined();
});

test('get_summary: the last day by default, with totals by type, outcome and severity, over time, and the top ones', async () => {
  const found = await log.summary();
  expect(found.period.end - found.period.start).toBe(86_400_000);
  const sum = (counts: readonly { count: number }[]) => counts.reduce((all, { count }) => all + count, 0);
  const { totalEvents, byType, byOutcome, bySeverity, timeline } = found;
  expect(totalEvents).toBeGreaterThan(120);
  for (const counts of [byType, byOutcome, bySeverity, timeline]) expect(sum(counts)).toBe(totalEvents);
  expect(found.topUsers[0]).toEqual({ value: 'many', count: 120 });
  expect(timeline.length).toBe(25);
});

test('export: JSON, CSV and NDJSON', async () => {
  const filter = { userId: 'bob' };
  const json = JSON.parse(await text(log.export('json', { filter })));
  const lines = (await text(log.export('ndjson', { filter }))).trim().split('\n');
  const csv = (await text(log.export('csv', { filter }))).trim().split('\n');
  expect([json.length, lines.length]).toEqual([6, 6]);
  expect(json).toEqual(lines.map((line) => JSON.parse(line)));
  expect(csv[0]).toMatch(/^id,timestamp,/);
  expect(csv).toHaveLength(7);
});

test('filters and handlers are added and removed', async () => {
  const removeFilter = log.addFilter(({ action }) => action !== 'noise');
  expect((await log.log({ eventType: 'data.read', action: 'noise' })).status).toBe('FILTERED');
  removeFilter();
  const handled = new Promise<AuditEvent>((resolve) => {
    const remove = log.addHandler({ name: 'one', handle: (event) => resolve(event) });
    void log.log({ eventType: 'data.read', userId: 'handled' }).then(remove);
  });
  expect((await handled).userId).toBe('handled');
});

test('the buffer is the database: what was recorded is there for others at once', async () => {
  const other = await openTestLog(database.url);
  const event = eventOf(await log.log({ eventType: 'data.read' }));
  expect(await other.get(event.id)).toEqual(event);
  await other.close();
});

test('follow, verify and prove', async () => {
  const followed = log.follow({ minSeverity: 'critical' });
  const event = eventOf(
    await log.logSecurityEvent({ eventType: 'security.alert', severity: 'critical', description: 'x' }),
  );
  expect((await followed.next()).value).toEqual(event);
  await followed.return?.();
  expect((await log.prove(event.id)).leafIndex).toBe(event.position);
  expect((await log.verify()).outcome).toBe('verified');
});

test('cleanup: what was recorded long ago goes, not what is said to have happened then; and it is an event', async () => {
  await log.log({ eventType: 'data.read', userId: 'old', timestamp: '2001-01-01T00:00:00Z' });
  expect(await log.purge({ olderThanDays: 365 })).toEqual({ purged: 0 });
  expect((await log.query({ userId: 'old' })).events).toHaveLength(1);
  const [about] = (await log.query({ resourceType: 'audit_log' }, { limit: 1 })).events;
  expect(about?.details).toMatchObject({ olderThanDays: 365 });
  expect((await log.purge({ olderThanDays: 0 })).purged).toBeGreaterThan(120);
  expect((await log.query({ userId: 'old' })).events).toEqual([]);
});

test('close, and `await using`', async () => {
  let outside: AuditLog;
  {
    await using own = await openTestLog(database.url);
    outside = own;
    await own.query();
  }
  await expect(outside.query()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(getAuditLog).toBeTypeOf('function');
});
