import { expect } from 'vitest';
import { createPool } from '../src/db/pool.ts';
import type { TestDatabase } from './support/database.ts';
import { LOG_EVENTS } from './support/operations/events.ts';
import { graphql } from './support/operations/generated/gql.ts';
import type { LogEventInput, LogEventsMutation } from './support/operations/generated/graphql.ts';
import { follow, type TestService } from './support/service.ts';
import { test } from './support/test.ts';

let database: TestDatabase;
let services: TestService[];

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  services = await Promise.all([startService(database.url), startService(database.url)]);
});

const ALERTS = graphql(`
  subscription Alerts($after: String) {
    securityAlerts(after: $after) {
      cursor
      node { position action }
    }
  }
`);
const WRITERS = 8;
const BATCHES = 10;
const BREAKS = 40;
const EVENTS = WRITERS * BATCHES * 3;

/** Reads alerts until `wanted` of them came; resolves with their positions. */
async function positionsOf(service: TestService, wanted: number, after: string | null): Promise<number[]> {
  const client = service.live();
  const positions: number[] = [];
  for await (const { securityAlerts } of follow(client, ALERTS, { after })) {
    positions.push(securityAlerts.node.position);
    if (positions.length === wanted) break;
  }
  await client.dispose();
  return positions;
}

type Result = LogEventsMutation['logEvents']['results'][number];

/** Sends the batch again with the same keys while the service says UNAVAILABLE, as a client does. */
async function untilRecorded(service: TestService, input: LogEventInput[]): Promise<Result[]> {
  for (;;) {
    const { data, errors } = await service.ask(LOG_EVENTS, { input });
    if (data) return data.logEvents.results;
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAVAILABLE']);
  }
}

async function write(service: TestService, writer: number): Promise<number[]> {
  const positions: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const input = [0, 1, 2].map((n) => ({
      eventType: 'SECURITY_ALERT' as const,
      severity: 'WARNING' as const,
      action: `${writer}/${batch}/${n}`,
      idempotencyKey: `${writer}/${batch}/${n}`,
    }));
    const results = await untilRecorded(service, input);
    positions.push(...results.map(({ event }) => event?.position ?? -1));
  }
  return positions;
}

test('two instances under concurrent writers: no gap, nothing lost or doubled, every subscriber sees all', async () => {
  const [one, two] = services as [TestService, TestService];
  const live = [positionsOf(one, EVENTS, 'beginning'), positionsOf(two, EVENTS, 'beginning')];
  const written = await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => write(writer % 2 === 0 ? one : two, writer)),
  );
  const all = Array.from({ length: EVENTS }, (_, position) => position);
  expect(written.flat().sort((a, b) => a - b)).toEqual(all);
  expect(await Promise.all(live)).toEqual([all, all]);
  expect(await positionsOf(two, EVENTS, 'beginning')).toEqual(all);
});

test('a broken connection loses and doubles nothing', async () => {
  const [one] = services as [TestService];
  const pool = createPool(database.url, () => undefined);
  const { rows: before } = await pool.query<{ size: number }>('SELECT size FROM log_head');
  let isWriting = true;
  const writing = Promise.all(Array.from({ length: 4 }, (_, n) => write(one, 100 + n))).finally(() => {
    isWriting = false;
  });
  let broken = 0;
  // However slow the machine, enough of the batches get through.
  while (isWriting && broken < BREAKS) {
    const { rowCount } = await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND query ~ '^(COPY audit_segments|SELECT (claim_head|keep_keys))'`,
    );
    broken += rowCount ?? 0;
  }
  const written = (await writing).flat();
  expect(broken).toBeGreaterThan(0);
  const { rows: after } = await pool.query<{ size: number; count: number; last: number }>(
    'SELECT size, (SELECT count(*) FROM audit_events) AS count, (SELECT max(position) FROM audit_events) AS last FROM log_head',
  );
  await pool.end();
  expect(new Set(written).size).toBe(4 * BATCHES * 3);
  expect(after[0]).toEqual({
    size: (before[0]?.size ?? 0) + written.length,
    count: (before[0]?.size ?? 0) + written.length,
    last: (before[0]?.size ?? 0) + written.length - 1,
  });
});
