import { afterEach, beforeEach, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { type Pair, startProxy, type TcpProxy } from '../support/proxy.ts';
import { type Answer, dataOf, follow, startService, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

const ALERTS = graphql(`
  subscription Silent {
    securityAlerts { node { action } }
  }
`);

let database: TestDatabase;
let proxy: TcpProxy;
/** The connection of the notifications. */
let listening: Pair | undefined;
/** Reaches the database through the proxy. */
let service: TestService;
let other: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  other = await startService(database.url);
});
beforeEach(async () => {
  proxy = await startProxy(database.url);
  proxy.onSent = (pair, bytes) => {
    if (bytes.includes('LISTEN audit_log')) listening = pair;
  };
  service = await startService(proxy.url);
});
afterEach(async () => {
  await service.stop();
  await proxy.close();
});

const write = (to: TestService, action: string) =>
  to.ask(LOG_EVENTS, { input: [{ eventType: 'DATA_READ', severity: 'WARNING', action }] });

/** How long the work takes, in milliseconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The silence of every connection that is open; new ones pass. */
function silenceAll(): void {
  for (const pair of proxy.pairs) pair.silence();
}

test('the connection of the notifications falls silent: what others write is delivered within five seconds', async () => {
  const client = service.live();
  const alerts = follow(client, ALERTS, {});
  const first = alerts.next();
  await expect.poll(() => service.countSubscribers()).toBe(1);
  listening?.silence();
  dataOf(await write(other, 'behind silence'));
  let delivered: unknown;
  const waitedMs = await timeOf(async () => {
    delivered = (await first).value;
  });
  console.info(`delivered after ${Math.round(waitedMs)} ms`);
  expect(delivered).toMatchObject({ securityAlerts: { node: { action: 'behind silence' } } });
  expect(waitedMs).toBeLessThan(5_000);
  await client.dispose();
});

test('every connection falls silent: writes and reads go on over new ones within ten seconds', async () => {
  dataOf(await write(service, 'before'));
  silenceAll();
  // As a client does: again and again while the answer is UNAVAILABLE.
  const untilDone = async (ask: () => Promise<Answer<unknown>>): Promise<void> => {
    const { errors } = await ask();
    if (!errors) return;
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['UNAVAILABLE']);
    return untilDone(ask);
  };
  const read = () => service.ask('{ auditEvents(first: 1) { edges { node { id } } } }');
  const [writtenMs, readMs] = await Promise.all([
    timeOf(() => untilDone(() => write(service, 'after'))),
    timeOf(() => untilDone(read)),
  ]);
  console.info(`written after ${Math.round(writtenMs)} ms, read after ${Math.round(readMs)} ms`);
  expect(writtenMs).toBeLessThan(10_000);
  expect(readMs).toBeLessThan(10_000);
});

test('the database is silent: readiness says so within two seconds, writes are refused with a code, and a stop ends', async () => {
  // So that the key is known: to look it up is not what this is about.
  dataOf(await write(service, 'before'));
  proxy.isSilent = true;
  const refused = timeOf(async () => {
    const { errors } = await write(service, 'lost');
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAVAILABLE']);
  });
  for (const path of ['/health/ready', '/health/ready']) {
    const answeredMs = await timeOf(async () => {
      const response = await fetch(service.url + path);
      expect(response.status).toBe(503);
      expect(await response.text()).toContain('the database does not answer');
    });
    expect(answeredMs).toBeLessThan(2_000);
  }
  const refusedMs = await refused;
  expect(refusedMs).toBeLessThan(20_000);
  const stoppedMs = await timeOf(service.stop);
  console.info(`refused after ${Math.round(refusedMs)} ms, stopped after ${Math.round(stoppedMs)} ms`);
  expect(stoppedMs).toBeLessThan(11_000);
});
