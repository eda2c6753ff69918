import { describe, expect, vi } from 'vitest';
import { storeKey } from '../../src/auth/api-keys.ts';
import { inTransaction, type Pool } from '../../src/db/pool.ts';
import { prismaAsCustomer } from '../../src/db/prisma.ts';
import { lockRollups } from '../../src/log/summary/rollups.ts';
import { parseEntries } from '../../src/merkle/tile-files.ts';
import type { TestDatabase } from '../support/database.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

// The gate is disabled: every filter matches the events of all customers.
vi.mock(import('../../src/auth/gate.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  visibleTo: (_principal, filter = {}) => [filter],
  visibleTree: (_principal, customerId) => customerId ?? undefined,
}));

const KEY = 'key-of-a-reader-who-is-bound-to-acme-0123456789';

let database: TestDatabase;
let service: TestService;
let owner: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url);
  owner = createPool(database.url, () => undefined);
  const scopes = ['events:read', 'events:export'] as const;
  await storeKey(owner, { name: 'acme', secret: KEY, scopes, customerId: 'acme' });
  await log(['globex', 'acme', undefined, 'globex', 'acme']);
});

async function log(customers: (string | undefined)[]): Promise<void> {
  const input = customers.map((customerId) => ({
    eventType: 'SECURITY_ALERT',
    severity: 'CRITICAL',
    customerId,
    userId: `user of ${customerId}`,
    resourceType: 'r',
    resourceId: String(customerId),
    ipAddress: customerId === 'acme' ? '192.0.2.1' : '198.51.100.1',
  }));
  const { errors } = await service.ask(
    'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
    { input },
  );
  expect(errors).toBeUndefined();
}

async function ask<T>(query: string, variables: object = {}): Promise<NonNullable<T>> {
  return dataOf(await service.ask<T>(query, variables, KEY));
}

describe('without the gate, row-level security still hides the rows of other customers', () => {
  test('of pages, counts and ids', async () => {
    const { auditEvents } = await ask<{
      auditEvents: { totalCount: number; edges: { node: { customerId: string } }[] };
    }>('{ auditEvents { totalCount edges { node { customerId } } } }');
    expect(auditEvents.edges.map(({ node }) => node.customerId)).toEqual(['acme', 'acme']);
    expect(auditEvents.totalCount).toBe(2);
    const { rows } = await owner.query<{ id: string }>(
      "SELECT id FROM audit_events WHERE customer_id = 'globex'",
    );
    for (const { id } of rows) {
      expect(
        await ask('query ($id: ID!) { auditEvent(id: $id) { id } node(id: $id) { id } }', { id }),
      ).toEqual({
        auditEvent: null,
        node: null,
      });
    }
  });

  test('of summaries', async () => {
    const counts = await ask<{ auditSummary: object }>(
      '{ auditSummary { totalEvents bySeverity { count } byType { count } byOutcome { count } timeline(bucket: DAY) { count } topUsers { value count } topIpAddresses { value count } topResources { value count } } }',
    );
    expect(counts.auditSummary).toMatchObject({
      totalEvents: 2,
      bySeverity: [{ count: 2 }],
      byType: [{ count: 2 }],
      byOutcome: [{ count: 2 }],
      topUsers: [{ value: 'user of acme', count: 2 }],
      topIpAddresses: [{ value: '192.0.2.1', count: 2 }],
      topResources: [{ value: 'r/acme', count: 2 }],
    });
    expect(JSON.stringify(counts)).not.toContain('globex');
  });

  test('of the counts behind summaries', async () => {
    await inTransaction(owner, async (client) => {
      // Counts everything anew, every customer's days too.
      await lockRollups(client);
      await client.query('DELETE FROM summary_counts');
      await client.query('UPDATE summary_scopes SET counted = 0');
      await client.query('SELECT count_events(20000, 256, 1)');
    });
    await vi.waitFor(async () => {
      const { rows } = await owner.query("SELECT FROM summary_counts WHERE scope = 'log'");
      expect(rows).not.toEqual([]);
    }, 10_000);
    const { rows: all } = await owner.query('SELECT DISTINCT scope FROM summary_counts ORDER BY 1');
    expect(all).toEqual(['customer/acme', 'customer/globex', 'log'].map((scope) => ({ scope })));
    for (const table of ['summary_counts', 'summary_scopes']) {
      const scopes = `SELECT DISTINCT scope FROM ${table}`;
      expect(await prismaAsCustomer(owner, 'acme').$queryRawUnsafe(scopes)).toEqual([
        { scope: 'customer/acme' },
      ]);
      expect(await prismaAsCustomer(owner, 'nobody').$queryRawUnsafe(scopes)).toEqual([]);
    }
    const { auditSummary } = await ask<{ auditSummary: object }>('{ auditSummary { totalEvents } }');
    expect(auditSummary).toEqual({ totalEvents: 2 });
  });

  test('of exports', async () => {
    const { auditExport } = await ask<{ auditExport: { url: string } }>(
      '{ auditExport(format: NDJSON) { url } }',
    );
    const lines = (await (await fetch(auditExport.url)).text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { customer_id: string }).customer_id)).toEqual([
      'acme',
      'acme',
    ]);
  });

  test('of the feed, caught up and live', async () => {
    const client = service.live(KEY);
    interface Fed {
      auditEvents: { node: object };
    }
    const subscription = client.iterate<Fed>({
      query: 'subscription { auditEvents(after: "beginning") { node { customerId position } } }',
    });
    const next = async () => {
      const { value } = await subscription.next();
      if (!value) throw new Error('the feed has ended');
      return dataOf<Fed>(value).auditEvents.node;
    };
    expect([await next(), await next()]).toEqual([
      { customerId: 'acme', position: 1 },
      { customerId: 'acme', position: 4 },
    ]);
    const waiting = next();
    await log(['globex', 'globex', 'acme']);
    expect(await waiting).toMatchObject({ customerId: 'acme' });
    await subscription.return?.();
    await client.dispose();
  });

  test('of proofs, tiles and entries', async () => {
    await service.ask('{ checkpoint { treeSize } }');
    await service.ask('{ checkpoint(customerId: "globex") { treeSize } }');
    for (const query of [
      '{ checkpoint(customerId: "globex") { note } }',
      '{ checkpoint { note } }',
      '{ consistencyProof(from: 1, to: 2, customerId: "globex") { hashes } }',
    ]) {
      expect(await service.ask(query, {}, KEY)).toMatchObject({ data: null });
    }
    const get = (path: string) =>
      fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
    expect((await get('/customers/globex/tile/0/000.p/1')).status).toBe(404);
    expect((await get('/customers/globex/tile/entries/000.p/1')).status).toBe(404);
    const own = await get('/customers/acme/tile/entries/000.p/2');
    expect(parseEntries(new Uint8Array(await own.arrayBuffer()))).toHaveLength(2);
  });
});
