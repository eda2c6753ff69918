import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createDatabase, dataDirOf, type TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, post, startService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';
import { during, ownEvents } from './during.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const ON = { META_AUDIT: 'lifecycle' };
const nothing = async () => undefined;

describe('start and stop', () => {
  test('are the first and the last event, with their instance', async () => {
    const events = await during(database.url, ON, (service) => logWarnings(service, 3));
    expect(events).toMatchObject([
      {
        position: 0,
        event_type: 'system.startup',
        severity: 'info',
        outcome: 'success',
        user_id: null,
        customer_id: null,
        details: { version: expect.stringMatching(/^\d/), node: process.version },
      },
      { position: 5, event_type: 'system.shutdown', severity: 'info', action: 'service.stop' },
    ]);
    expect(events[0]?.details.instance).toBe(events[1]?.details.instance);
    const again = await during(database.url, ON, nothing);
    expect(again.map(({ position }) => position)).toEqual([6, 7]);
    expect(again[0]?.details.instance).not.toBe(events[0]?.details.instance);
    expect(again[0]?.details.settings).toBe(events[0]?.details.settings);
  });

  test('come after the events about earlier reads, and are signed', async () => {
    const events = await during(database.url, { META_AUDIT: 'all' }, (service) =>
      service.ask('{ auditEvents { totalCount } }'),
    );
    expect(events.map(({ action }) => action)).toEqual(['service.start', 'log.read', 'service.stop']);
    await during(database.url, {}, async (service) => {
      const query = '{ checkpoint(treeSize: 4) { treeSize } }';
      expect(await service.ask(query)).toEqual({ data: { checkpoint: { treeSize: 4 } } });
    });
  });

  test('are recorded also when the service cannot listen', async () => {
    const running = await startService(database.url);
    const PORT = new URL(running.url).port;
    await expect(startService(database.url, { ...ON, PORT })).rejects.toThrow('EADDRINUSE');
    await running.stop();
    const actions = (await ownEvents(database.url)).map(({ action }) => action);
    expect(actions).toEqual(['service.start', 'service.configure', 'service.stop']);
  });
});

test('a killed service loses only the reads that were not recorded yet', async () => {
  const environment = {
    DATABASE_URL: database.url,
    DATA_DIR: dataDirOf(database.url),
    ADMIN_API_KEY: ADMIN_KEY,
    LOG_LEVEL: 'silent',
  };
  const read = async (intervalMs: string, isSeen: () => Promise<unknown>) => {
    const program = startProgram('main.ts', { ...environment, META_AUDIT_INTERVAL_MS: intervalMs });
    await program.says('Ready.');
    const url = /http:\S+(?=\/graphql)/.exec(program.said())?.[0] ?? '';
    await post(url, JSON.stringify({ query: '{ auditEvents { totalCount } }' }), ADMIN_KEY);
    await isSeen();
    program.child.kill('SIGKILL');
    await program.ended;
  };
  const actions = async () => (await ownEvents(database.url)).map(({ action }) => action);
  await read('3600000', async () => undefined);
  expect(await actions()).toEqual(['service.start']);
  await read('100', () => vi.waitFor(async () => expect(await actions()).toContain('log.read'), 10_000));
  expect(await actions()).toEqual(['service.start', 'service.start', 'service.configure', 'log.read']);
  const events = await during(database.url, {}, (service) => logWarnings(service, 1));
  expect(events.map(({ action }) => action)).toEqual(['service.configure']);
}, 120_000);

test("that the admin's key is made or replaced by a start is an event", async () => {
  const keyEvents = async () => {
    const pool = createPool(database.url, () => undefined);
    const { rows } = await pool.query(
      `SELECT event_type, severity, description, resource_id FROM audit_events
       WHERE resource_type = 'audit_log.api_key' ORDER BY position`,
    );
    await pool.end();
    return rows;
  };
  const about = { event_type: 'authz.permission_granted', resource_id: 'admin' };
  const made = { ...about, severity: 'info', description: "the admin's API key was made" };
  await during(database.url, ON, nothing);
  await during(database.url, ON, nothing);
  expect(await keyEvents()).toEqual([made]);
  await during(database.url, { ...ON, ADMIN_API_KEY: `${ADMIN_KEY}-another` }, nothing);
  const replaced = { ...about, severity: 'warning', description: "the admin's API key was replaced" };
  expect(await keyEvents()).toEqual([made, replaced]);
});

describe('a change of the settings', () => {
  test('is an event at the next start, with old and new values', async () => {
    await during(database.url, { ...ON, KEEP_ALIVE_MS: '5000' }, nothing);
    const same = await during(database.url, { ...ON, KEEP_ALIVE_MS: '5000', PORT: '0' }, nothing);
    expect(same.map(({ action }) => action)).toEqual(['service.start', 'service.stop']);
    const events = await during(database.url, { ...ON, ALLOWED_HOSTS: 'log.example' }, nothing);
    expect(events.map(({ action }) => action)).toEqual([
      'service.start',
      'service.configure',
      'service.stop',
    ]);
    expect(events[1]).toMatchObject({
      event_type: 'config.changed',
      severity: 'warning',
      description: 'settings that differ from those of the last start: ALLOWED_HOSTS, KEEP_ALIVE_MS',
      old_values: { ALLOWED_HOSTS: [], KEEP_ALIVE_MS: 5_000 },
      new_values: { ALLOWED_HOSTS: ['log.example'], KEEP_ALIVE_MS: 12_000 },
    });
  });

  test('of a number is shown, also of one with the name of a key', async () => {
    await during(database.url, ON, nothing);
    const events = await during(database.url, { ...ON, MAX_SUBSCRIPTIONS_PER_KEY: '7' }, nothing);
    expect(events[1]).toMatchObject({
      action: 'service.configure',
      old_values: { MAX_SUBSCRIPTIONS_PER_KEY: 5_000 },
      new_values: { MAX_SUBSCRIPTIONS_PER_KEY: 7 },
    });
  });

  test('that switches lifecycle events off is recorded as the last one', async () => {
    await during(database.url, ON, nothing);
    const events = await during(database.url, { META_AUDIT: 'none' }, nothing);
    expect(events).toMatchObject([
      {
        action: 'service.configure',
        old_values: { META_AUDIT: ['lifecycle'] },
        new_values: { META_AUDIT: [] },
      },
    ]);
    expect(await during(database.url, { META_AUDIT: 'none', KEEP_ALIVE_MS: '5000' }, nothing)).toEqual([]);
  });

  test('contains no secret', async () => {
    const secret = 'planted-0123456789abcdef-planted-0123456789';
    const url = new URL(database.url);
    await during(database.url, ON, nothing);
    const events = await during(
      database.url,
      {
        ...ON,
        ADMIN_API_KEY: secret,
        DATABASE_URL: `postgres://${secret}:${secret}@${url.host}${url.pathname}?password=${secret}`,
        ANCHOR_WEBHOOK: `http://127.0.0.1:1/hooks/${secret}`,
        ANCHOR_INTERVAL_MS: '604800000',
        OUTBOUND_TIMEOUT_MS: '10',
      },
      nothing,
    );
    expect(events[1]?.new_values).toMatchObject({
      ANCHOR_WEBHOOK: '(set)',
      DATABASE_URL: `postgres://${url.host}${url.pathname}`,
    });
    expect(JSON.stringify(events)).not.toContain('planted');
  });
});
