import type { Client } from 'pg';
import type { Child } from '../child.ts';
import { copyBatches, encodeBatches } from '../contenders/copy.ts';
import { singleInserts } from '../contenders/insert.ts';
import { createPlainTable } from '../contenders/plain-table.ts';
import { startPostgraphile } from '../contenders/postgraphile.ts';
import { startStock } from '../contenders/stock.ts';
import { type Entry, entry } from '../entry.ts';
import { KEY, type Lab } from '../lab.ts';
import { cycle, type LoadResult, median, quantile, run } from '../load.ts';
import { numbers, requests, type Target } from '../requests.ts';
import { inTurn, medianOf } from '../rounds.ts';

const CONNECTIONS = 64;
const BATCH = 500;
const BATCH_CONNECTIONS = 4;
/** Different events that single requests send in turn. */
const SINGLES = 2_000;

/** Everything that appends: single events, batches, one client alone, keys, two instances. */
export async function measureAppend(lab: Lab): Promise<Entry[]> {
  const ours = await lab.createDatabase('appended');
  const one = await lab.startService(ours);
  // The service has made its tables: the others get the same ones.
  const plain = await lab.createDatabase('plain');
  await (await lab.startService(plain)).stop();
  const client = await lab.connect(plain);
  return [
    ...(await measureSingles(lab, one, { client, plain })),
    ...(await measureBatches(lab, one, { client, plain })),
    await measureLone(lab, one, client),
    await measureInstances(lab, one, ours),
  ];
}

interface Plain {
  client: Client;
  plain: string;
}

async function measureSingles(lab: Lab, service: Child, { client, plain }: Plain): Promise<Entry[]> {
  const stock = await startStock(lab, client, plain, 'stock_single');
  const postgraphile = await startPostgraphile(lab, client, plain, 'postgraphile_single');
  const singles = (target: Target, request: (to: Target, number: number) => Buffer) => {
    const next = cycle(numbers(0, SINGLES).map((number) => request(target, number)));
    return () => run({ urls: [target.url], connections: CONNECTIONS, next, seconds: lab.options.seconds });
  };
  const results = await inTurn(
    lab.options.rounds,
    {
      service: singles({ url: service.url, key: KEY }, requests.one),
      stock: singles(stock, requests.stockOne),
      postgraphile: postgraphile && singles(postgraphile, requests.postgraphileOne),
    },
    (name, round) => lab.progress.say(`append-single, round ${round}: ${name}`),
  );
  const rateOf = (all: readonly LoadResult[]) => medianOf(all, ({ perSecond }) => perSecond);
  const common = { unit: 'events/s', value: rateOf(results.service), wants: 'at least' as const };
  return [
    entry({
      ...common,
      name: 'append-single',
      against: 'stock Yoga + Pothos + Prisma',
      reference: rateOf(results.stock),
      goal: 7,
    }),
    ...(postgraphile
      ? [
          entry({
            ...common,
            name: 'append-single/postgraphile',
            against: 'PostGraphile 5',
            reference: rateOf(results.postgraphile),
            goal: 4.5,
          }),
        ]
      : []),
  ];
}

async function measureBatches(lab: Lab, service: Child, { client, plain }: Plain): Promise<Entry[]> {
  await createPlainTable(client, 'copied');
  const stock = await startStock(lab, client, plain, 'stock_batch');
  const { rounds, batchEvents } = lab.options;
  let first = 0;
  const fresh = () => {
    first += batchEvents;
    return first;
  };
  const target = { url: service.url, key: KEY };
  const keyed = (number: number) => ({ idempotencyKey: `key-${number}` });
  const results = await inTurn(
    rounds,
    {
      service: () =>
        sendBatches(
          [target.url],
          batchEvents,
          batchesOf(fresh(), batchEvents, (from, count) => requests.batch(target, from, count)),
        ),
      copy: () => copied(client, fresh(), batchEvents),
      keys: () =>
        sendBatches(
          [target.url],
          batchEvents,
          batchesOf(fresh(), batchEvents, (from, count) => requests.batch(target, from, count, keyed)),
        ),
      stock: () => {
        const count = Math.ceil(batchEvents / 4);
        return sendBatches(
          [stock.url],
          count,
          batchesOf(fresh(), count, (from, size) => requests.stockBatch(stock, from, size)),
        );
      },
    },
    (name, round) => lab.progress.say(`append-batch, round ${round}: ${name}`),
  );
  const common = { unit: 'events/s', value: median(results.service), wants: 'at least' as const };
  return [
    entry({
      ...common,
      name: 'append-batch',
      against: 'COPY of 500 a commit',
      reference: median(results.copy),
      goal: 0.6,
    }),
    entry({
      ...common,
      name: 'append-batch/stock',
      against: 'createMany of 500 in stock Yoga + Pothos + Prisma',
      reference: median(results.stock),
      goal: 7,
    }),
    entry({
      ...common,
      name: 'append-idempotent',
      against: 'append-batch',
      value: median(results.keys),
      reference: median(results.service),
      goal: 0.8,
    }),
  ];
}

/** Requests of 500 events each, encoded before anything is measured. */
function batchesOf(
  first: number,
  count: number,
  request: (first: number, count: number) => Buffer,
): Buffer[] {
  return numbers(0, Math.ceil(count / BATCH)).map((index) =>
    request(first + index * BATCH, Math.min(BATCH, count - index * BATCH)),
  );
}

async function sendBatches(urls: readonly string[], events: number, batches: Buffer[]): Promise<number> {
  const start = performance.now();
  await run({ urls, connections: BATCH_CONNECTIONS, next: () => batches.shift() });
  return events / ((performance.now() - start) / 1_000);
}

async function copied(client: Client, first: number, count: number): Promise<number> {
  const batches = encodeBatches(first, count, BATCH);
  const start = performance.now();
  await copyBatches(client, 'copied.audit_events', batches);
  return count / ((performance.now() - start) / 1_000);
}

async function measureLone(lab: Lab, service: Child, client: Client): Promise<Entry> {
  await createPlainTable(client, 'inserted');
  const insert = singleInserts(client, 'inserted.audit_events');
  const next = cycle(
    numbers(0, SINGLES).map((number) => requests.one({ url: service.url, key: KEY }, number)),
  );
  let number = 0;
  const results = await inTurn(
    lab.options.rounds,
    {
      service: async () =>
        (await run({ urls: [service.url], connections: 1, next, seconds: lab.options.seconds })).p50,
      insert: () => lone(() => insert(number++), lab.options.seconds),
    },
    (name, round) => lab.progress.say(`append-lone, round ${round}: ${name}`),
  );
  return entry({
    name: 'append-lone',
    unit: 'ms p50',
    against: 'a single INSERT through pg',
    value: median(results.service),
    reference: median(results.insert),
    goal: 2,
    wants: 'at most',
  });
}

async function lone(work: () => Promise<void>, seconds: number): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  for (let start = performance.now(); start < end; ) {
    await work();
    const now = performance.now();
    times.push(now - start);
    start = now;
  }
  return quantile(
    times.sort((a, b) => a - b),
    0.5,
  );
}

async function measureInstances(lab: Lab, one: Child, databaseUrl: string): Promise<Entry> {
  const two = await lab.startService(databaseUrl);
  const { rounds, batchEvents } = lab.options;
  let first = 10_000_000;
  const batches = () => {
    first += batchEvents;
    // The same path and length of host on both, so any of them can get any of the requests.
    return batchesOf(first, batchEvents, (from, count) =>
      requests.batch({ url: one.url, key: KEY }, from, count),
    );
  };
  const results = await inTurn(
    rounds,
    {
      one: () => sendBatches([one.url], batchEvents, batches()),
      two: () => sendBatches([one.url, two.url], batchEvents, batches()),
    },
    (name, round) => lab.progress.say(`two-instances, round ${round}: ${name}`),
  );
  return entry({
    name: 'two-instances',
    unit: 'events/s',
    against: 'one instance',
    value: median(results.two),
    reference: median(results.one),
    goal: 0.9,
    wants: 'at least',
  });
}
