import { expect } from 'vitest';
import { createPool } from '../../../src/db/pool.ts';
import type { TestDatabase } from '../../support/database.ts';
import { PURGE_EVENTS } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { ResultOf, VariablesOf } from '../../support/operations/types.ts';
import { refuseEvents } from '../../support/refuse-events.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../../support/service.ts';
import { serverSentEvents } from '../../support/sse.ts';
import { test } from '../../support/test.ts';
import { logWarnings, upTo } from '../../support/write.ts';

let database: TestDatabase;
let here: TestService;
let there: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  here = await startService(database.url, { SEGMENT_BITS: '8' });
  there = await startService(database.url);
});

const LIST = graphql(`
  query ListAndCount($after: String, $first: Int = 1000) {
    auditEvents(orderBy: POSITION_ASC, after: $after, first: $first) {
      totalCount
      edges { cursor node { position action userId ipAddress details } }
    }
  }
`);
const FOLLOW = 'subscription ($after: String) { auditEvents(after: $after) { node { position } } }';

type Edge = ResultOf<typeof LIST>['auditEvents']['edges'][number];

async function list(variables: VariablesOf<typeof LIST> = {}) {
  return dataOf(await there.ask(LIST, variables)).auditEvents;
}

async function purge(service: TestService, days = 0): Promise<number> {
  const { data, errors } = await service.ask(PURGE_EVENTS, { days });
  if (errors) throw errors[0]?.extensions;
  return dataOf({ data }).purgeEvents.purged;
}

test('removes all up to now, whole segments and the rest; the log goes on with the next position', async () => {
  await logWarnings(here, 700);
  const { cursor } = (await list({ first: 1 })).edges[0] as { cursor: string };
  expect(await purge(here)).toBe(700);
  expect(await list()).toMatchObject({
    totalCount: 1,
    edges: [
      {
        node: {
          position: 700,
          action: 'log.purge',
          userId: 'admin',
          ipAddress: '127.0.0.1',
          details: { purged: 700, olderThanDays: 0, firstPosition: 700 },
        },
      },
    ],
  });
  await logWarnings(there, 1, { prefix: 'next' });
  // A page after a cursor that points into what is gone begins with what is left.
  const positions = (await list({ after: cursor })).edges.map(({ node }) => node.position);
  expect(positions).toEqual([700, 701]);
});

test('a feed that cannot go on where its cursor points says so; from the beginning it starts with what is left', async () => {
  await logWarnings(here, 3);
  const { edges, totalCount } = await list();
  const [first, second] = edges as [Edge, Edge];
  expect(await purge(there)).toBe(totalCount);
  const left = second.node.position + totalCount - 1;

  const client = here.live();
  const overWebSocket = async (after: string) =>
    (await client.iterate({ query: FOLLOW, variables: { after } }).next()).value as object;
  const overEvents = async (after: string) => {
    const events = serverSentEvents(here.url, { query: FOLLOW, variables: { after }, key: ADMIN_KEY });
    for await (const event of events) return event;
    return undefined;
  };
  const purged = [{ extensions: { code: 'POSITION_PURGED' } }];
  await expect(overWebSocket(first.cursor)).rejects.toMatchObject(purged);
  expect(await overEvents(first.cursor)).toMatchObject({ errors: purged });
  const oldest = { data: { auditEvents: { node: { position: left } } } };
  expect(await overWebSocket('beginning')).toEqual(oldest);
  expect(await overEvents('beginning')).toEqual(oldest);
  await client.dispose();
});

test('two instances at once: the count is right, nothing is removed twice, and each is one event', async () => {
  await logWarnings(here, 1_000);
  const before = await list({ first: 0 });
  const purges = upTo(6).map((n) => purge(n % 2 === 0 ? here : there));
  const counts = await Promise.all(purges);
  const { edges } = await list();
  // Each purge also removes the event of the one before it, when that is signed by then.
  const removed = counts.reduce((sum, count) => sum + count, 0);
  expect(removed + edges.length).toBe(before.totalCount + purges.length);
  expect(Math.max(...counts)).toBeGreaterThanOrEqual(1_000);
  const end = edges.at(-1)?.node.position ?? 0;
  expect(edges.map(({ node }) => node.position)).toEqual(
    upTo(edges.length).map((n) => end - edges.length + 1 + n),
  );
  expect(edges.every(({ node }) => node.action === 'log.purge')).toBe(true);
});

test('a retry of what was removed records nothing', async () => {
  const log = () =>
    here.ask(
      'mutation { logEvent(input: { eventType: DATA_READ, idempotencyKey: "gone" }) { status event { id } } }',
    );
  expect((await log()).data?.logEvent).toMatchObject({ status: 'RECORDED' });
  await purge(here);
  expect((await log()).data?.logEvent).toEqual({ status: 'DUPLICATE', event: null });
});

test('what is younger stays, and bounds are checked', async () => {
  await logWarnings(here, 2);
  const { totalCount } = await list();
  expect(await purge(here, 1)).toBe(0);
  expect((await list()).totalCount).toBe(totalCount + 1);
  for (const days of [-1, 36_501]) {
    await expect(purge(here, days)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', path: 'olderThanDays' });
  }
});

test('nothing is removed when that cannot be recorded', async () => {
  await logWarnings(here, 2);
  const { totalCount } = await list();
  const pool = createPool(database.url, () => undefined);
  const accept = await refuseEvents(pool, "NEW.action = 'log.purge'");
  await expect(purge(here)).rejects.toMatchObject({ code: 'INTERNAL' });
  await accept();
  await pool.end();
  expect((await list()).totalCount).toBe(totalCount);
  expect(await purge(here)).toBe(totalCount);
});
