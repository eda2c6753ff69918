import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { AuditEvent, AuditLog } from '../../src/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let log: AuditLog;
const events: Record<string, AuditEvent> = {};
const acme = { customerId: 'acme' };

test.beforeAll(async ({ createDatabase, openTestLog }) => {
  database = await createDatabase();
  log = await openTestLog(database.url);
  for (const customerId of ['acme', 'other', undefined]) {
    const { event } = await log.log({ eventType: 'data.read', severity: 'error', userId: 'u', customerId });
    events[customerId ?? 'none'] = event as AuditEvent;
  }
});

const denied = { name: 'AuditError', code: 'FORBIDDEN' };

test('a principal who is bound to a customer sees that one alone, by every way to read', async () => {
  const principal = acme;
  const own = events.acme as AuditEvent;
  expect((await log.query({}, { principal })).events).toEqual([own]);
  expect((await log.query({ customerId: 'other' }, { principal })).events).toEqual([]);
  expect(await log.get(own.id, { principal })).toEqual(own);
  expect(await log.get((events.other as AuditEvent).id, { principal })).toBeUndefined();
  expect((await log.summary({ principal })).totalEvents).toBe(1);
  expect((await log.summary({ principal })).topUsers).toEqual([{ value: 'u', count: 1 }]);
  expect(await text(log.export('ndjson', { principal }))).toBe(`${own.toCanonicalJson()}\n`);
  const followed = log.follow({ principal, after: 'beginning' });
  expect((await followed.next()).value).toEqual(own);
  await log.log({ eventType: 'data.read', customerId: 'other' });
  const { event } = await log.log({ eventType: 'data.read' }, { principal });
  expect(event?.customerId).toBe('acme');
  expect((await followed.next()).value).toEqual(event);
  await followed.return?.();
  expect((await log.prove(own.id, { principal })).leafIndex).toBe(0);
  await expect(log.prove((events.none as AuditEvent).id, { principal })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test('it writes for that customer alone', async () => {
  await expect(
    log.log({ eventType: 'data.read', customerId: 'other' }, { principal: acme }),
  ).rejects.toMatchObject({ ...denied, path: 'input.customerId' });
});

test('scopes are those of keys', async () => {
  const reader = { id: 'reader', scopes: ['events:read'] as const };
  const writer = { id: 'writer', scopes: ['events:write'] as const };
  await expect(log.log({ eventType: 'data.read' }, { principal: reader })).rejects.toMatchObject(denied);
  await expect(log.query({}, { principal: writer })).rejects.toMatchObject(denied);
  await expect(log.follow({ principal: writer }).next()).rejects.toMatchObject(denied);
  await expect(text(log.export('csv', { principal: reader }))).rejects.toMatchObject(denied);
  await expect(log.purge({ olderThanDays: 0, principal: acme })).rejects.toMatchObject(denied);
  await expect(log.verify({ principal: acme })).rejects.toMatchObject(denied);
  await expect(log.query({}, { principal: { id: '' } })).rejects.toMatchObject({ path: 'principal.id' });
});

test('a log that is opened for a principal is his', async () => {
  const own = await openTestLog(database.url, { principal: acme });
  const { events: seen } = await own.query();
  expect(new Set(seen.map(({ customerId }) => customerId))).toEqual(new Set(['acme']));
  await own.close();
});

test('the use of the log is in the log, by the name of the principal', async () => {
  const watched = await openTestLog(database.url, {
    settings: { META_AUDIT: 'all', META_AUDIT_INTERVAL_MS: 3_600_000 },
  });
  const principal = { id: 'auditor', ...acme };
  await watched.query({}, { principal });
  await text(watched.export('json', { principal }));
  await watched.log({ eventType: 'data.read', customerId: 'other' }, { principal }).catch(() => undefined);
  await watched.close();
  const { events: about } = await log.query({ userId: 'auditor' }, { order: 'position_asc' });
  expect(about.map(({ action, eventType }) => [action, eventType])).toEqual([
    ['log.export', 'data.export'],
    ['log.read', 'data.read'],
    ['log.deny', 'authz.permission_denied'],
  ]);
});

test('an event that is purged is gone, and that is an event', async () => {
  const old = await createDatabase();
  const purged = await openTestLog(old.url);
  await purged.logMany([{ eventType: 'data.read' }, { eventType: 'data.read' }]);
  expect(await purged.purge({ olderThanDays: 1 })).toEqual({ purged: 0 });
  const { purged: count } = await purged.purge({ olderThanDays: 0 });
  expect(count).toBe(3);
  const { events: left } = await purged.query();
  expect(left.map(({ resourceType }) => resourceType)).toEqual(['audit_log']);
  await purged.close();
  await old.drop();
});

test('admin goes with no customer, and rights are a list', async () => {
  const wrong = { code: 'BAD_USER_INPUT', path: 'principal.scopes' };
  const admin = { customerId: 'acme', scopes: ['admin'] as const };
  await expect(log.verify({ principal: admin })).rejects.toMatchObject(wrong);
  await expect(log.purge({ olderThanDays: 0, principal: admin })).rejects.toMatchObject(wrong);
  await expect(log.query({}, { principal: { scopes: null as never } })).rejects.toMatchObject(wrong);
});

test('what a program changes in an event that it got changes nothing of what others get', async () => {
  const followed = log.follow();
  const next = followed.next();
  const { event } = await log.log({ eventType: 'data.read', details: { a: { b: 1 } } });
  ((event as AuditEvent).details as { a: { b: number } }).a.b = 2;
  expect((await next).value?.details).toEqual({ a: { b: 1 } });
  await followed.return?.();
});
