import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { LOG_EVENT } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { dataOf, follow, liveAt, startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';
import { type CutProxy, startProxy } from './proxy.ts';
import { runsOf } from './runs.ts';
import { expectWritten, startWriters } from './writers.ts';

const FULL_CUTS = 1_000;
const INSTANCES = 3;
const SUBSCRIBERS = 12;
const WRITERS = 3;
const LAST = 'last';

const WRITTEN = graphql(`
  subscription Written($after: String) {
    auditEvents(after: $after, filter: { action: "fault.write" }) {
      cursor
      node { position requestId }
    }
  }
`);

let database: TestDatabase;
let services: TestService[];
let proxies: CutProxy[];

beforeAll(async () => {
  database = await createDatabase();
  services = await Promise.all(upTo(INSTANCES).map(() => startService(database.url, { RATE_LIMIT: '0' })));
  proxies = await Promise.all(services.map(({ url }) => startProxy(Number(new URL(url).port))));
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all(services.map((service) => service.stop()));
  // Verifies the whole log too.
  await database.drop();
});

interface Subscriber {
  positions: number[];
  /** How often its connection broke. */
  cuts: number;
}

/** Follows the written events from the beginning to the last, each time on another instance when its connection breaks. */
async function subscribe(subscriber: Subscriber): Promise<void> {
  let after = 'beginning';
  for (;;) {
    const at = Math.floor(Math.random() * INSTANCES);
    const client = liveAt(`http://127.0.0.1:${proxies[at]?.port}`);
    try {
      for await (const { auditEvents } of follow(client, WRITTEN, { after })) {
        after = auditEvents.cursor;
        subscriber.positions.push(auditEvents.node.position);
        if (auditEvents.node.requestId === LAST) return;
      }
    } catch {
      subscriber.cuts += 1;
    } finally {
      await client.dispose();
    }
  }
}

test('subscribers of three instances are cut and come back elsewhere with their cursor: no event twice, none missed', async () => {
  const wanted = runsOf(FULL_CUTS);
  const writers = startWriters(WRITERS, () => services.map(({ url }) => url));
  const subscribers: Subscriber[] = upTo(SUBSCRIBERS).map(() => ({ positions: [], cuts: 0 }));
  const done = Promise.all(subscribers.map(subscribe));
  const cuts = () => subscribers.reduce((sum, one) => sum + one.cuts, 0);
  while (cuts() < wanted) {
    await writers.nextAnswer();
    const pairs = proxies.flatMap((proxy) => [...proxy.pairs]);
    pairs[Math.floor(Math.random() * pairs.length)]?.cut();
  }
  await writers.stop();
  await expectWritten(database.url, writers);
  const input = { eventType: 'DATA_UPDATE', action: 'fault.write', requestId: LAST } as const;
  dataOf(await (services[0] as TestService).ask(LOG_EVENT, { input }));
  await done;
  const expected = await writtenPositions();
  for (const { positions } of subscribers) expect(positions).toEqual(expected);
  console.info(
    `${cuts()} cuts of ${SUBSCRIBERS} subscribers on ${INSTANCES} instances, ${expected.length} events each`,
  );
});

async function writtenPositions(): Promise<number[]> {
  const pool = createPool(database.url, () => undefined, { max: 1 });
  const { rows } = await pool.query<{ position: number }>(
    "SELECT position FROM audit_events WHERE action = 'fault.write' ORDER BY position",
  );
  await pool.end();
  return rows.map(({ position }) => position);
}
