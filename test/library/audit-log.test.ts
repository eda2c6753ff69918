import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import canonicalize from 'canonicalize';
import { describe, expect } from 'vitest';
import { AuditError, AuditErrors, AuditEvent, type AuditLog, type LogEvent } from '../../src/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let log: AuditLog;

test.beforeAll(async ({ createDatabase, openTestLog }) => {
  database = await createDatabase();
  log = await openTestLog(database.url, { settings: { EVENT_TYPES: ['billing.invoice_paid'] } });
});

async function record(input: LogEvent): Promise<AuditEvent> {
  const { event } = await log.log(input);
  if (!event) throw new Error('it was not recorded');
  return event;
}

describe('what is recorded', () => {
  test('an event with every field comes back as it was given', async () => {
    const given = {
      eventType: 'auth.login_failed',
      outcome: 'failure',
      severity: 'warning',
      timestamp: new Date('2026-01-31T12:00:00.123Z'),
      userId: 'alice',
      customerId: 'acme',
      sessionId: 's-1',
      ipAddress: '203.0.113.7',
      userAgent: 'curl/8',
      requestId: 'r-1',
      resourceType: 'account',
      resourceId: '42',
      action: 'login',
      description: 'a wrong password',
      details: { attempts: 3, at: new Date(0), left: undefined },
      oldValues: { locked: false },
      newValues: { locked: true },
    } as const;
    const event = await record(given);
    const { timestamp, details, ...same } = given;
    expect(event).toMatchObject({ ...same, timestamp: timestamp.getTime() });
    expect(event.details).toEqual({ attempts: 3, at: '1970-01-01T00:00:00.000Z' });
    expect(await log.get(event.id)).toEqual(event);
  });

  test('its hash is that of its canonical form, which is a line of the export and the JSON without the position', async () => {
    const event = await record({ eventType: 'data.read', userId: 'exported', details: { b: 1, a: 'é' } });
    const { position, ...recordOf } = event.toJSON();
    expect(position).toBe(event.position);
    const line = event.toCanonicalJson();
    expect(canonicalize(recordOf)).toBe(line);
    expect(createHash('sha256').update(`\0${line}`).digest()).toEqual(event.leafHash);
    expect(await text(log.export('ndjson', { filter: { userId: 'exported' } }))).toBe(`${line}\n`);
  });

  test('JSON and back is the same event', async () => {
    const event = await record({ eventType: 'data.update', oldValues: { a: null }, ipAddress: '::1' });
    expect(new AuditEvent(event.toJSON())).toEqual(event);
    expect(new AuditEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
    expect(new AuditEvent(JSON.parse(event.toCanonicalJson()))).toMatchObject({ id: event.id, position: -1 });
    const wrong = { ...event.toJSON(), outcome: 'maybe' } as never;
    expect(() => new AuditEvent(wrong)).toThrow(expect.objectContaining({ path: 'record.outcome' }));
  });

  test('what the program changes afterwards is not recorded', async () => {
    const details = { list: [1, 2] };
    const recording = log.log({ eventType: 'data.read', details });
    details.list.push(3);
    expect((await recording).event?.details).toEqual({ list: [1, 2] });
  });

  test('secrets are redacted', async () => {
    const event = await record({ eventType: 'auth.login', details: { password: 'hunter2' } });
    expect(event.details).toEqual({ password: '[REDACTED]' });
  });

  test('a batch is recorded in its order, an idempotency key once', async () => {
    const events = ['a', 'b', 'a'].map((key) => ({ eventType: 'data.create', idempotencyKey: key }));
    const results = await log.logMany(events);
    expect(results.map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED', 'DUPLICATE']);
    expect(results[2]?.event).toEqual(results[0]?.event);
    await expect(log.log({ ...events[0], eventType: 'data.delete' } as LogEvent)).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  test('types of the deployment are types', async () => {
    await record({ eventType: 'billing.invoice_paid' });
    const { events } = await log.query({ categories: ['billing'] });
    expect(events.map(({ eventType }) => eventType)).toEqual(['billing.invoice_paid']);
  });
});

describe('what is wrong is refused with its path, and nothing is recorded', () => {
  const login = { eventType: 'auth.login' };
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  test.each<[string, unknown, string]>([
    ['an unknown type', { eventType: 'auth.nope' }, 'input.eventType'],
    ['the name of an enum', { eventType: 'AUTH_LOGIN' }, 'input.eventType'],
    ['no object', 'auth.login', 'input'],
    ['a number for a text', { ...login, userId: 7 }, 'input.userId'],
    ['a field with another spelling', { ...login, user_id: 'alice' }, 'input.user_id'],
    ['an unknown outcome', { ...login, outcome: 'SUCCESS' }, 'input.outcome'],
    ['an address with a leading zero', { ...login, ipAddress: '010.1.2.3' }, 'input.ipAddress'],
    ['no time', { ...login, timestamp: 'yesterday' }, 'input.timestamp'],
    ['an invalid Date', { ...login, timestamp: new Date(Number.NaN) }, 'input.timestamp'],
    ['a lone surrogate', { ...login, details: { x: '\ud800' } }, 'input.details.x'],
    ['2^53', { ...login, details: { a: [2 ** 53] } }, 'input.details.a[0]'],
    ['a big integer', { ...login, details: { a: 1n } }, 'input.details.a'],
    ['NaN', { ...login, details: { a: Number.NaN } }, 'input.details.a'],
    ['a function', { ...login, details: { a: () => 1 } }, 'input.details.a'],
    ['a Map', { ...login, details: { a: new Map() } }, 'input.details.a'],
    ['a hole', { ...login, details: { a: new Array(2) } }, 'input.details.a[0]'],
    ['__proto__', { ...login, details: JSON.parse('{"__proto__":{}}') }, 'input.details.__proto__'],
    ['an array as details', { ...login, details: [] }, 'input.details'],
    ['more than can be', { ...login, details: { a: new Array(20_000).fill(0) } }, 'input.details.a[9998]'],
    ['the resource type of the log', { ...login, resourceType: 'audit_log' }, 'input.resourceType'],
  ])('%s', async (_name, input, path) => {
    const before = await log.query();
    const refusal = await log.log(input as LogEvent).catch((error) => error);
    expect(refusal).toBeInstanceOf(AuditError);
    expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', path });
    expect((await log.query()).events[0]).toEqual(before.events[0]);
  });

  test('an object that holds itself', async () => {
    const refusal = await log.log({ ...login, details: cyclic }).catch((error) => error);
    expect(refusal.code).toBe('BAD_USER_INPUT');
    expect(refusal.message).toContain('nested deeper than 32 levels');
  });

  test.each<[string, unknown, unknown, unknown]>([
    ['eventType', 'auth.login', 5, 'auth.login'],
    ['timestamp', '2026-01-31T12:00:00Z', 'never', Date.UTC(2026, 0, 31, 12)],
    ['details', { n: 1 }, 5, { n: 1 }],
    ['userId', 'alice', 5, 'alice'],
    ['severity', 'error', 5, 'error'],
  ])('a getter that gives another %s each time is read once', async (field, first, other, recorded) => {
    let reads = 0;
    const get = () => {
      reads += 1;
      return reads === 1 ? first : other;
    };
    const given = { eventType: 'auth.login' } as const;
    Object.defineProperty(given, field, { enumerable: true, get });
    expect(await record(given)).toMatchObject({ [field]: recorded });
    expect(reads).toBe(1);
  });

  test('every problem of a batch is named', async () => {
    const input = [login, { eventType: 'x' }, { ...login, ipAddress: 'x' }, { ...login, details: { a: 1n } }];
    const refusal = await log.logMany(input).catch((error) => error);
    expect(refusal).toBeInstanceOf(AuditErrors);
    expect(refusal.all.map(({ path }: AuditError) => path).sort()).toEqual([
      'input[1].eventType',
      'input[2].ipAddress',
      'input[3].details.a',
    ]);
    await expect(log.logMany([])).rejects.toMatchObject({ code: 'BAD_USER_INPUT', path: 'input' });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['a limit', () => log.query({}, { limit: 1_001 }), 'limit'],
    ['an offset', () => log.query({}, { offset: -1 }), 'offset'],
    ['an order', () => log.query({}, { order: 'newest' as never }), 'order'],
    ['a cursor', () => log.query({}, { after: 'MTc5' }), 'after'],
    ['a condition', () => log.query({ user: 'x' } as never), 'filter.user'],
    ['a type', () => log.query({ eventTypes: ['auth.login', 'nope'] }), 'filter.eventTypes[1]'],
    ['a block', () => log.query({ ipAddress: '10.0.0.0/40' }), 'filter.ipAddress'],
    ['a period', () => log.summary({ startTime: 2, endTime: 1 }), 'startTime'],
    ['a bucket', () => log.summary({ bucket: 'week' as never }), 'bucket'],
    ['a time zone', () => log.summary({ timeZone: 'Mars/Olympus' }), 'timeZone'],
    ['days', () => log.purge({ olderThanDays: 0.5 }), 'olderThanDays'],
    ['a format', async () => log.export('xml' as never), 'format'],
    ['a delimiter', async () => log.export('csv', { delimiter: 'x' }), 'delimiter'],
    ['a place', () => log.follow({ after: 'x' }).next(), 'after'],
    [
      'a setting',
      () => openTestLog(database.url, { settings: { RETENTION: 1 } as never }),
      'settings.RETENTION',
    ],
  ])('%s', async (_name, ask, path) => {
    await expect(ask()).rejects.toMatchObject({ name: 'AuditError', code: 'BAD_USER_INPUT', path });
  });
});

describe('what is read', () => {
  test('pages, orders and offsets', async () => {
    const inputs = Array.from({ length: 5 }, (_, at) => ({
      eventType: 'data.read',
      userId: 'pages',
      timestamp: 1_000 * at,
    }));
    const recorded = (await log.logMany(inputs)).map(({ event }) => event);
    const filter = { userId: 'pages' };
    const first = await log.query(filter, { limit: 2 });
    expect(first.events).toEqual([recorded[4], recorded[3]]);
    expect(first.hasNextPage).toBe(true);
    const rest = await log.query(filter, { after: first.endCursor });
    expect(rest.events).toEqual([recorded[2], recorded[1], recorded[0]]);
    expect(rest.hasNextPage).toBe(false);
    expect((await log.query(filter, { offset: 4 })).events).toEqual([recorded[0]]);
    expect((await log.query(filter, { order: 'position_asc', limit: 1 })).events).toEqual([recorded[0]]);
    expect(await log.query({ userId: 'nobody' })).toEqual({
      events: [],
      hasNextPage: false,
      endCursor: null,
    });
  });

  test('a summary counts exactly', async () => {
    const at = new Date('2020-05-01T10:30:00Z');
    const failed = { outcome: 'failure', severity: 'error' } as const;
    await log.logMany([
      { eventType: 'auth.login', timestamp: at, userId: 'sum', ipAddress: '192.0.2.1' },
      { eventType: 'auth.login', timestamp: at, userId: 'sum', ...failed },
      { eventType: 'data.read', timestamp: at, userId: 'sum', resourceType: 'file', resourceId: '1' },
    ]);
    const period = { startTime: '2020-05-01T10:00:00Z', endTime: '2020-05-01T11:59:59.999Z' };
    const found = await log.summary({ ...period, filter: { userId: 'sum' } });
    expect(found).toEqual({
      totalEvents: 3,
      period: { start: Date.parse(period.startTime), end: Date.parse(period.endTime) },
      byType: [
        { eventType: 'auth.login', count: 2 },
        { eventType: 'data.read', count: 1 },
      ],
      byOutcome: [
        { outcome: 'success', count: 2 },
        { outcome: 'failure', count: 1 },
      ],
      bySeverity: [
        { severity: 'info', count: 2 },
        { severity: 'error', count: 1 },
      ],
      timeline: [
        {
          start: Date.parse('2020-05-01T10:00:00Z'),
          count: 3,
          bySeverity: [
            { severity: 'info', count: 2 },
            { severity: 'error', count: 1 },
          ],
        },
        { start: Date.parse('2020-05-01T11:00:00Z'), count: 0, bySeverity: [] },
      ],
      topUsers: [{ value: 'sum', count: 3 }],
      topIpAddresses: [{ value: '192.0.2.1', count: 1 }],
      topResources: [{ value: 'file/1', count: 1, resourceType: 'file', resourceId: '1' }],
    });
    const years = await log.summary({ startTime: '2000-01-01T00:00:00Z', filter: { userId: 'sum' } });
    expect([years.totalEvents, years.timeline[1]?.start]).toEqual([3, Date.parse('2000-01-02T00:00:00Z')]);
  });

  test('an event is proved by a bundle, and the log verifies', async () => {
    const event = await record({ eventType: 'data.export', userId: 'proved' });
    const proof = await log.prove(event.id);
    expect(proof.leafIndex).toBe(event.position);
    expect(proof.bundle).toContain('c2sp.org/tlog-proof');
    await expect(log.prove(`audit_${'0'.repeat(32)}`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const found = await log.verify();
    expect(found).toMatchObject({ outcome: 'verified', findings: [] });
    expect(found.events).toBeGreaterThan(event.position);
    expect(found.rootHash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what is followed', () => {
  test('from now on, from the beginning, from an event; each once, in order', async () => {
    const before = await record({ eventType: 'data.read', userId: 'live' });
    const live = log.follow({ filter: { userId: 'live' } });
    const all = log.follow({ filter: { userId: 'live' }, after: 'beginning' });
    const later = log.follow({ filter: { userId: 'live' }, after: before.cursor, minSeverity: 'error' });
    const quiet = await record({ eventType: 'data.read', userId: 'live' });
    const loud = await record({ eventType: 'data.read', userId: 'live', severity: 'critical' });
    expect([(await live.next()).value, (await live.next()).value]).toEqual([quiet, loud]);
    expect([(await all.next()).value, (await all.next()).value]).toEqual([before, quiet]);
    expect((await later.next()).value).toEqual(loud);
    for (const one of [live, all, later]) await one.return?.();
  });

  test('it ends with its signal, also while it waits', async () => {
    const stop = new AbortController();
    const followed = log.follow({ filter: { userId: 'nobody' }, signal: stop.signal });
    const next = followed.next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await log.follow({ signal: stop.signal }).next()).toEqual({ done: true, value: undefined });
  });
});

describe('filters and handlers', () => {
  test('come and go at any time', async () => {
    const handled: AuditEvent[] = [];
    const removeFilter = log.addFilter(({ userId }) => userId !== 'probe');
    let onSeen = () => {};
    const seen = new Promise<void>((resolve) => {
      onSeen = resolve;
    });
    const removeHandler = log.addHandler((event) => {
      handled.push(event);
      onSeen();
    });
    const probe = { eventType: 'auth.login', userId: 'probe' };
    expect(await log.log(probe)).toEqual({ status: 'FILTERED', event: undefined });
    const event = await record({ eventType: 'auth.login', userId: 'person' });
    await seen;
    expect(handled).toEqual([event]);
    expect(handled[0]?.toJSON().user_id).toBe('person');
    removeFilter();
    removeHandler();
    expect((await log.log(probe)).status).toBe('RECORDED');
    expect(handled).toHaveLength(1);
  });

  test('what a filter throws is the cause of an error with a code', async () => {
    const cause = new Error('the filter is broken');
    const remove = log.addFilter(() => {
      throw cause;
    });
    await expect(log.log({ eventType: 'auth.login' })).rejects.toMatchObject({ code: 'INTERNAL', cause });
    remove();
  });
});
