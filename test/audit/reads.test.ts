import { describe, expect, vi } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createCatalog } from '../../src/events/catalog.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { keepLog } from '../support/log-lines.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { refuseEvents } from '../support/refuse-events.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { openStream } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';
import { during as duringAll, type OwnEvent, operationsOf } from './during.ts';

const TWO = graphql(`
  query Two {
    auditEvents(first: 2) {
      edges { node { id } }
    }
  }
`);

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

// Not those about the service itself.
const during: typeof duringAll = async (...given) =>
  (await duringAll(...given)).filter(({ action }) => action.startsWith('log.'));

const READS = { META_AUDIT: 'reads,subscriptions' };

// An operation for every way to read that the schema has.
const QUERIES: Record<string, string> = {
  apiKeys: '{ apiKeys { id } }',
  auditEvent: '{ auditEvent(id: "audit_00000000000000000000000000000000") { id } }',
  auditEvents: '{ auditEvents { totalCount } }',
  auditExport: '{ auditExport(format: CSV) { url } }',
  auditSummary: '{ auditSummary { totalEvents } }',
  checkpoint: '{ checkpoint { treeSize } }',
  consistencyProof: '{ consistencyProof(from: 1, to: 1) { hashes } }',
  node: '{ node(id: "audit_00000000000000000000000000000000") { id } }',
  nodes: '{ nodes(ids: ["audit_00000000000000000000000000000000"]) { id } }',
};
const SUBSCRIPTIONS: Record<string, string> = {
  auditEvents: 'subscription { auditEvents { cursor } }',
  securityAlerts: 'subscription { securityAlerts { cursor } }',
};

const schema = createSchema(createCatalog([]));
const fieldsOf = (type: { getFields(): object } | null | undefined) =>
  Object.keys(type?.getFields() ?? {}).sort();

const eventsOf = (events: readonly OwnEvent[], action: string) =>
  events.filter((event) => event.action === action);

/** Opens a subscription over server-sent events, waits until it is open, and leaves. */
async function openAndLeave(service: TestService, query: string, key = ADMIN_KEY): Promise<void> {
  const stream = await openStream(service.url, query, {}, key);
  await stream.messages.next();
  stream.disconnect();
  await vi.waitFor(() => expect(service.countSubscribers()).toBe(0), 10_000);
}

describe('reads of the log are events in it', () => {
  test('every query of the schema, each with its count', async () => {
    expect(Object.keys(QUERIES).sort()).toEqual(fieldsOf(schema.getQueryType()));
    const events = await during(database.url, { META_AUDIT: 'all' }, async (service) => {
      await logWarnings(service, 1);
      for (const query of Object.values(QUERIES))
        for (let n = 0; n < 2; n += 1) expect((await service.ask(query)).errors).toBeUndefined();
    });
    const { auditExport: _, ...plain } = QUERIES;
    expect(operationsOf(eventsOf(events, 'log.read'))).toEqual(
      Object.fromEntries(Object.keys(plain).map((name) => [name, 2])),
    );
    expect(eventsOf(events, 'log.export')).toHaveLength(2);
  });

  test('every subscription of the schema, over WebSocket and server-sent events', async () => {
    expect(Object.keys(SUBSCRIPTIONS).sort()).toEqual(fieldsOf(schema.getSubscriptionType()));
    const events = await during(database.url, READS, async (service) => {
      for (const query of Object.values(SUBSCRIPTIONS)) {
        await openAndLeave(service, query);
        const client = service.live();
        const iterator = client.iterate({ query });
        const first = iterator.next();
        await vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);
        await logWarnings(service, 1);
        await first;
        await client.dispose();
      }
    });
    expect(eventsOf(events, 'log.subscribe')).toMatchObject([
      {
        event_type: 'data.read',
        outcome: 'success',
        severity: 'info',
        user_id: 'admin',
        customer_id: null,
        ip_address: '127.0.0.1',
        description: 'subscriptions opened: 4',
      },
    ]);
    expect(operationsOf(events)).toEqual({ auditEvents: 2, securityAlerts: 2 });
  });

  test('tiles and bundles of entries over HTTP', async () => {
    const events = await during(database.url, READS, async ({ url }) => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      for (const path of ['checkpoint', 'verifier-key', 'tile/0/000.p/1', 'tile/entries/000.p/2'])
        expect((await fetch(`${url}/${path}`, { headers })).status).toBe(200);
      expect((await fetch(`${url}/tile/0/999`, { headers })).status).toBe(404);
    });
    expect(operationsOf(events)).toEqual({ checkpoint: 1, 'verifier-key': 1, tile: 1, 'tile/entries': 1 });
    expect(events.map(({ details }) => details.events)).toEqual([2]);
  });

  test('with the number of events, actor, address and time', async () => {
    const started = new Date().toISOString();
    const events = await during(database.url, { ...READS, EVENT_TYPES: '' }, async (service) => {
      const { edges } = dataOf(await service.ask(TWO)).auditEvents;
      const id = edges[0]?.node.id;
      await service.ask(
        `{ a: node(id: "${id}") { id } b: auditEvent(id: "${id}") { id } c: node(id: "no") { id } }`,
      );
    });
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      event_type: 'data.read',
      user_id: 'admin',
      ip_address: '127.0.0.1',
      user_agent: 'node',
      description: 'reads of the log: 4',
      details: { events: 4 },
    });
    expect(operationsOf(events)).toEqual({ auditEvents: 1, node: 2, auditEvent: 1 });
    const { from, to } = (events[0] as OwnEvent).details as { from: string; to: string };
    expect(from >= started && to >= from && new Date().toISOString() >= to).toBe(true);
  });

  test('for each key separately; only principals of all customers see them', async () => {
    const events = await during(database.url, READS, async (service) => {
      const keys = [undefined, 'acme', 'acme'].map((customerId, n) =>
        createKey(service, {
          name: `reader ${n}`,
          scopes: ['EVENTS_READ'],
          ...(customerId === undefined ? {} : { customerId }),
        }),
      );
      for (const { secret } of await Promise.all(keys))
        await service.ask('{ auditEvents { totalCount } }', {}, secret);
    });
    expect(new Set(events.map(({ user_id }) => user_id)).size).toBe(3);
    expect(events.map(({ details: { customerId } }) => customerId ?? null).sort()).toEqual([
      'acme',
      'acme',
      null,
    ]);
    expect(events.map(({ customer_id }) => customer_id)).toEqual([null, null, null]);
  });

  test('but not refused operations, nor kinds that are switched off', async () => {
    const ask = async (service: TestService) => {
      await service.ask('{ auditEvents(first: -1) { totalCount } }');
    };
    expect(await during(database.url, { META_AUDIT: 'all' }, ask)).not.toMatchObject([
      { action: 'log.read' },
    ]);
    const all = async (service: TestService) => {
      for (const query of Object.values(QUERIES)) await service.ask(query);
      for (const query of Object.values(SUBSCRIPTIONS)) await openAndLeave(service, query);
    };
    expect(await during(database.url, { META_AUDIT: 'none' }, all)).toEqual([]);
  });
});

describe('a read', () => {
  test('cannot cause a loop: events sent to a subscriber are not counted as reads', async () => {
    const events = await during(
      database.url,
      { ...READS, META_AUDIT_INTERVAL_MS: '100' },
      async (service) => {
        const client = service.live();
        const follow = client.iterate<{ auditEvents: { node: { action: string } } }>({
          query: 'subscription { auditEvents { node { action } } }',
        });
        const actions: string[] = [];
        const next = async (wanted: string) => {
          do {
            const { value } = await follow.next();
            actions.push(value?.data?.auditEvents.node.action ?? '');
          } while (actions.at(-1) !== wanted);
        };
        const first = next('log.subscribe');
        await first;
        await service.ask('{ auditEvents { totalCount } }');
        await next('log.read');
        for (let n = 0; n < 3; n += 1) {
          await logWarnings(service, 1, { prefix: `later${n}` });
          await next(`later${n}0`);
        }
        expect(actions).toEqual(['log.subscribe', 'log.read', 'later00', 'later10', 'later20']);
        await client.dispose();
      },
    );
    expect(events.map(({ action }) => action)).toEqual(['log.subscribe', 'log.read']);
  });

  test('that is repeated causes one event in each interval', async () => {
    const READS_OF_ONE = 100;
    const events = await during(database.url, READS, async (service) => {
      for (let n = 0; n < READS_OF_ONE; n += 50)
        await Promise.all(Array.from({ length: 50 }, () => service.ask('{ auditSummary { totalEvents } }')));
    });
    expect(events).toHaveLength(1);
    expect(operationsOf(events)).toEqual({ auditSummary: READS_OF_ONE });
  });

  test('is counted until it can be recorded', async () => {
    const { log, lines } = keepLog();
    const pool = createPool(database.url, () => undefined);
    const accept = await refuseEvents(pool, "NEW.event_type = 'data.read'");
    const events = await during(
      database.url,
      { ...READS, META_AUDIT_INTERVAL_MS: '100' },
      async (service) => {
        for (let n = 0; n < 3; n += 1) await service.ask('{ auditEvents { totalCount } }');
        const refused = () => lines.filter(({ cause }) => cause === 'no room');
        await vi.waitFor(() => expect(refused().length).toBeGreaterThan(1), 10_000);
        await accept();
      },
      { log },
    );
    await pool.end();
    expect(operationsOf(events)).toEqual({ auditEvents: 3 });
  });
});
