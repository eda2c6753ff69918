import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import type { VariablesOf } from '../support/operations/types.ts';
import { refuseEvents } from '../support/refuse-events.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';
import { during } from './during.ts';

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

const EXPORTS = { META_AUDIT: 'exports' };
async function link(
  service: TestService,
  key?: string,
  filter: VariablesOf<typeof EXPORT_LINK>['filter'] = null,
) {
  return dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON', filter }, key)).auditExport;
}

/** Makes the database refuse events of exports while `work` runs. */
async function withoutEvents(work: () => Promise<void>): Promise<void> {
  const accept = await refuseEvents(pool, "NEW.event_type = 'data.export'");
  await work().finally(accept);
}

test('an export link and each download are events with actor, address and content', async () => {
  let expiresAt = '';
  let keyId = '';
  const events = await during(database.url, EXPORTS, async (service) => {
    await logWarnings(service, 3, { more: { customerId: 'acme' } });
    const { key, secret } = await createKey(service, {
      name: 'exporter',
      scopes: ['EVENTS_EXPORT'],
      customerId: 'acme',
    });
    keyId = key.id;
    const made = await link(service, secret, { action: 'a1', details: {} });
    expiresAt = made.expiresAt;
    await fetch(made.url, { method: 'HEAD' });
    for (const agent of ['curl/8', 'wget/1']) {
      const response = await fetch(made.url, { headers: { 'user-agent': agent } });
      expect((await response.text()).trimEnd().split('\n')).toHaveLength(1);
    }
  });
  const what = {
    format: 'NDJSON',
    filters: [{ action: 'a1', details: {} }, { customerId: 'acme' }],
    logSize: 4,
    expiresAt,
  };
  const about = {
    event_type: 'data.export',
    severity: 'info',
    user_id: keyId,
    customer_id: null,
    ip_address: '127.0.0.1',
    details: what,
  };
  expect(events).toMatchObject([
    { ...about, action: 'log.export', user_agent: 'node' },
    { ...about, action: 'log.download', user_agent: 'curl/8' },
    { ...about, action: 'log.download', user_agent: 'wget/1' },
  ]);
});

test('the file holds the events up to the creation of the link, without the events about the export', async () => {
  await during(database.url, EXPORTS, async (service) => {
    const { rows } = await pool.query<{ size: number }>('SELECT size FROM log_head');
    const { url } = await link(service);
    await logWarnings(service, 1, { prefix: 'later' });
    const text = await (await fetch(url)).text();
    expect(text.trimEnd().split('\n')).toHaveLength(rows[0]?.size ?? 0);
    expect(await (await fetch(url)).text()).toBe(text);
  });
});

test('when its event cannot be recorded, no link is made and no file is sent', async () => {
  await during(database.url, EXPORTS, async (service) => {
    const { url } = await link(service);
    await withoutEvents(async () => {
      const { data, errors } = await service.ask(EXPORT_LINK, { format: 'NDJSON' });
      expect(data ?? null).toBeNull();
      expect(errors?.[0]?.extensions.code).toBe('INTERNAL');
      const response = await fetch(url);
      expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('INTERNAL')]);
    });
    expect((await fetch(url)).status).toBe(200);
  });
});
