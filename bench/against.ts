import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Child } from './child.ts';
import { askOne } from './download.ts';
import { type Entry, entry, jsonOf, tableOf } from './entry.ts';
import { CUSTOMERS, customerOf } from './events.ts';
import { Connection, graphqlRequest } from './http-client.ts';
import { KEY, type Lab, openLab } from './lab.ts';
import { cycle, median, run } from './load.ts';
import { send } from './loaded.ts';
import { exported } from './measures/export.ts';
import { costOf, gather, latenciesOf } from './measures/feed.ts';
import { LIST, ONE, PAGE } from './measures/query.ts';
import { SUMMARY } from './measures/summary.ts';
import { saveExport, verified } from './measures/verify.ts';
import { readOptions } from './options.ts';
import { createProgress } from './progress.ts';
import { numbers, requests } from './requests.ts';
import { inTurn } from './rounds.ts';

// Another version of the service, built in a checkout of its own, against this one: each on a database of its own on one
// server, in turns. `npm run bench:against -- CHECKOUT [GROUP...] [options]`; groups and options are
// those of the benchmark, but for the groups library and start.

const CONNECTIONS = 64;
const PAGE_CONNECTIONS = 16;
const BATCH = 500;
const BATCH_CONNECTIONS = 4;
const SUMMARY_CONNECTIONS = 4;
const SUBSCRIBERS = 1_000;
const EVENTS_OF_FAN_OUT = 20;
/** Events before anything counts: until then most of the code is not compiled. */
const FIRST_EVENTS = 50;
/** Each service does a piece of work so long before it counts, for the same reason: it takes about twice as long at first. */
const WARM_UP_MS = 12_000;
const IDS = 500;

/** What a turn came to: work done in a second, and processor time of the service for each piece, in microseconds. */
interface Turn {
  perSecond: number;
  cpuUs: number;
}

type Pair<Value> = Record<'before' | 'now', Value>;

async function main(): Promise<void> {
  const [checkout, ...rest] = process.argv.slice(2);
  if (checkout === undefined || checkout.startsWith('-'))
    throw new Error('name the checkout to compare with');
  const options = readOptions(rest);
  if (!options) return;
  const root = resolve(checkout);
  if (!existsSync(join(root, 'dist/main.js'))) throw new Error(`${root} has no build: run npm ci there`);
  const lab = await openLab(options, createProgress(false));
  const end = () => void lab.closers.close().finally(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    const entries = await compare(lab, root);
    process.stdout.write(`${options.isJson ? jsonOf(entries) : tableOf(entries)}\n`);
  } finally {
    await lab.closers.close();
  }
}

async function compare(lab: Lab, root: string): Promise<Entry[]> {
  const urls = { before: await lab.createDatabase('before'), now: await lab.createDatabase('now') };
  const services = {
    before: await lab.startService(urls.before, root),
    now: await lab.startService(urls.now),
  };
  const { groups, rows } = lab.options;
  const entries: Entry[] = [];
  if (groups.includes('feed')) {
    const own = {
      before: { service: services.before, databaseUrl: urls.before },
      now: { service: services.now, databaseUrl: urls.now },
    };
    entries.push(...(await measureFanOut(lab, services)));
    entries.push(await measureLatency(lab, 'feed-latency', own));
    entries.push(await measureLatencyElsewhere(lab, root));
  }
  if (groups.every((group) => group === 'feed')) return entries;
  for (const service of [services.before, services.now]) await send(lab, service.url, rows);
  if (groups.includes('export') || groups.includes('verify'))
    entries.push(...(await measureReaders(lab, services, { urls, root })));
  entries.push(...(await measureWork(lab, services)));
  if (groups.includes('append')) entries.push(...(await measureBareYoga(lab, services.before)));
  return entries;
}

/** A piece of work that a service does over and over, for as long as a turn lasts. */
type Work = (lab: Lab, service: Child) => (() => Promise<Turn>) | Promise<() => Promise<Turn>>;

/** What reads the whole log: exports, and verification of the database and of an export, each with the start of its process. */
async function measureReaders(
  lab: Lab,
  services: Pair<Child>,
  { urls, root }: { urls: Pair<string>; root: string },
): Promise<Entry[]> {
  const readers = async (which: keyof Pair<Child>) => {
    const service = services[which];
    const { auditEvents } = await askOne<{ auditEvents: { totalCount: number } }>(
      service.url,
      '{ auditEvents(first: 1) { totalCount } }',
    );
    const rows = auditEvents.totalCount;
    const files = await saveExport(lab, { service, rows }, which);
    const ofRoot = which === 'before' ? { root } : {};
    return {
      export: () => exported(service, rows),
      'verify database': () =>
        verified({ rows, given: ['database'], environment: { DATABASE_URL: urls[which] }, ...ofRoot }),
      'verify export': () => verified({ rows, given: ['export', ...files], ...ofRoot }),
    };
  };
  const both = { before: await readers('before'), now: await readers('now') };
  const entries: Entry[] = [];
  for (const [group, name] of [
    ['export', 'export'],
    ['verify', 'verify database'],
    ['verify', 'verify export'],
  ] as const) {
    if (!lab.options.groups.includes(group)) continue;
    const results = await inTurns(lab, name, { before: both.before[name], now: both.now[name] });
    const values: [now: number, before: number] = [median(results.now), median(results.before)];
    entries.push(comparison(name, 'events/s', values, 0.9, 'at least'));
  }
  return entries;
}

async function measureWork(lab: Lab, services: Pair<Child>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [group, name, unit, work, floor, mostCpu] of [
    ['append', 'single', 'events', singles, 0.8, 1.6],
    ['append', 'batch', 'events', batches, 0.9, 1.2],
    ['query', 'page', 'pages', pages, 0.8, 1.6],
    ['summary', 'summary', 'summaries', summaries, 0.8, 1.6],
    ['query', 'by id', 'events', byId, 0.8, 1.6],
    ['query', 'bound page', 'pages', boundPages, 0.5, 2],
  ] as const) {
    if (!lab.options.groups.includes(group)) continue;
    entries.push(...(await compareWork(lab, services, { name, unit, work, floor, mostCpu })));
  }
  return entries;
}

/** Yoga with this log and nothing else, against the other checkout: what is left of an event to save. */
async function measureBareYoga(lab: Lab, before: Child): Promise<Entry[]> {
  const now = await lab.startProgram('contenders/bare-yoga.ts', {
    DATABASE_URL: await lab.createDatabase('bare'),
    DATA_DIR: join(lab.folder, 'bare'),
    NODE_ENV: 'production',
    NODE_OPTIONS: '--max-semi-space-size=32',
  });
  const single = { name: 'bare Yoga', unit: 'events', work: singles, floor: 0.8, mostCpu: 1.6 };
  return compareWork(lab, { before, now }, single);
}

interface WorkToCompare {
  name: string;
  unit: string;
  work: Work;
  floor: number;
  mostCpu: number;
}

async function compareWork(
  lab: Lab,
  services: Pair<Child>,
  { name, unit, work, floor, mostCpu }: WorkToCompare,
): Promise<Entry[]> {
  const works = { before: await work(lab, services.before), now: await work(lab, services.now) };
  for (const which of ['before', 'now'] as const) {
    lab.progress.say(`${name}, warm-up: ${which}`);
    await warmUp(works[which]);
  }
  const results = await inTurns(lab, name, works);
  const of = (take: keyof Turn, which: keyof Pair<Turn>) => median(results[which].map((one) => one[take]));
  return [
    comparison(name, `${unit}/s`, [of('perSecond', 'now'), of('perSecond', 'before')], floor, 'at least'),
    comparison(`${name}/cpu`, 'us', [of('cpuUs', 'now'), of('cpuUs', 'before')], mostCpu, 'at most'),
  ];
}

function singles(lab: Lab, service: Child): () => Promise<Turn> {
  const target = { url: service.url, key: KEY };
  const next = cycle(numbers(0, 2_000).map((number) => requests.one(target, number)));
  return requestsInTurn(lab, service, { connections: CONNECTIONS, next });
}

function batches(lab: Lab, service: Child): () => Promise<Turn> {
  const { rows, batchEvents } = lab.options;
  const target = { url: service.url, key: KEY };
  let first = rows;
  return async () => {
    first += batchEvents;
    const waiting = numbers(0, Math.ceil(batchEvents / BATCH)).map((index) =>
      requests.batch(target, first + index * BATCH, BATCH),
    );
    const next = () => waiting.shift();
    const done = await turn(service, () =>
      run({ urls: [service.url], connections: BATCH_CONNECTIONS, next }),
    );
    return { perSecond: done.perSecond * BATCH, cpuUs: done.cpuUs / BATCH };
  };
}

function pages(lab: Lab, service: Child): () => Promise<Turn> {
  const target = { url: service.url, key: KEY };
  const ofCustomer = (number: number) => customerOf((number * 7) % CUSTOMERS);
  const next = cycle(
    numbers(0, CUSTOMERS).map((number) =>
      graphqlRequest(target, LIST, { filter: { customerId: ofCustomer(number) }, first: PAGE }),
    ),
  );
  return requestsInTurn(lab, service, { connections: PAGE_CONNECTIONS, next });
}

/** Pages of a key that is bound to the customer with the most events. */
async function boundPages(lab: Lab, service: Child): Promise<() => Promise<Turn>> {
  const { createApiKey } = await askOne<{ createApiKey: { secret: string } }>(
    service.url,
    `mutation { createApiKey(name: "bound", scopes: [EVENTS_READ], customerId: "${customerOf(0)}") { secret } }`,
  );
  const request = graphqlRequest({ url: service.url, key: createApiKey.secret }, LIST, { first: PAGE });
  return requestsInTurn(lab, service, { connections: PAGE_CONNECTIONS, next: () => request });
}

async function byId(lab: Lab, service: Child): Promise<() => Promise<Turn>> {
  const { auditEvents } = await askOne<{ auditEvents: { edges: { node: { id: string } }[] } }>(
    service.url,
    `{ auditEvents(first: ${IDS}) { edges { node { id } } } }`,
  );
  const target = { url: service.url, key: KEY };
  const next = cycle(auditEvents.edges.map(({ node: { id } }) => graphqlRequest(target, ONE, { id })));
  return requestsInTurn(lab, service, { connections: PAGE_CONNECTIONS, next });
}

function summaries(lab: Lab, service: Child): () => Promise<Turn> {
  const variables = { startTime: '2000-01-01T00:00:00Z', endTime: '2100-01-01T00:00:00Z' };
  const request = graphqlRequest({ url: service.url, key: KEY }, SUMMARY, variables);
  return requestsInTurn(lab, service, { connections: SUMMARY_CONNECTIONS, next: () => request });
}

function requestsInTurn(
  lab: Lab,
  service: Child,
  load: { connections: number; next: () => Buffer | undefined },
): () => Promise<Turn> {
  return () => turn(service, () => run({ urls: [service.url], seconds: lab.options.seconds, ...load }));
}

async function warmUp(work: () => Promise<unknown>): Promise<void> {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) await work();
}

async function turn(
  service: Child,
  work: () => Promise<{ perSecond: number; count: number }>,
): Promise<Turn> {
  const before = service.stat().cpuMs;
  const { perSecond, count } = await work();
  return { perSecond, cpuUs: ((service.stat().cpuMs - before) * 1_000) / count };
}

async function measureFanOut(lab: Lab, services: Pair<Child>): Promise<Entry[]> {
  const costs = async (service: Child) => {
    const crowd = await gather(lab, service, SUBSCRIBERS, KEY);
    const writer = await Connection.open(service.url);
    let number = 0;
    const log = () => writer.send(requests.one({ url: service.url, key: KEY }, number++));
    await costOf(service, crowd, FIRST_EVENTS, log);
    const close = () => {
      writer.close();
      crowd.close();
    };
    return { cost: () => costOf(service, crowd, EVENTS_OF_FAN_OUT, log), close };
  };
  const both = { before: await costs(services.before), now: await costs(services.now) };
  const results = await inTurns(lab, 'fan-out', { before: both.before.cost, now: both.now.cost });
  both.before.close();
  both.now.close();
  const [now, before] = [median(results.now), median(results.before)];
  return [comparison('fan-out/cpu', 'us a delivery', [now, before], 1 / 0.75, 'at most')];
}

async function measureLatency(
  lab: Lab,
  name: string,
  feeds: Pair<Parameters<typeof latenciesOf>[1]>,
): Promise<Entry> {
  const both = {
    before: await latenciesOf(lab, feeds.before),
    now: await latenciesOf(lab, feeds.now),
  };
  for (const which of ['before', 'now'] as const) {
    lab.progress.say(`${name}, warm-up: ${which}`);
    await warmUp(() => both[which].measure());
  }
  const results = await inTurns(lab, name, {
    before: () => both.before.measure(),
    now: () => both.now.measure(),
  });
  both.before.close();
  both.now.close();
  const [now, before] = [median(results.now), median(results.before)];
  return comparison(name, 'ms p50', [now, before], 1 / 0.9, 'at most');
}

/** The latency of events that another instance has recorded. */
async function measureLatencyElsewhere(lab: Lab, root: string): Promise<Entry> {
  const pairOn = async (databaseUrl: string, of?: string) => ({
    databaseUrl,
    writer: await lab.startService(databaseUrl, of),
    service: await lab.startService(databaseUrl, of),
  });
  const pairs = {
    before: await pairOn(await lab.createDatabase('before_elsewhere'), root),
    now: await pairOn(await lab.createDatabase('now_elsewhere')),
  };
  const result = await measureLatency(lab, 'feed-latency/elsewhere', pairs);
  for (const { writer, service } of [pairs.before, pairs.now])
    await Promise.all([writer.stop(), service.stop()]);
  return result;
}

function inTurns<Result>(
  lab: Lab,
  what: string,
  contenders: Pair<() => Promise<Result>>,
): Promise<Pair<Result[]>> {
  return inTurn(lab.options.rounds, contenders, (name, round) =>
    lab.progress.say(`${what}, round ${round}: ${name}`),
  );
}

function comparison(
  name: string,
  unit: string,
  [value, reference]: [now: number, before: number],
  goal: number,
  wants: Entry['wants'],
): Entry {
  return entry({ name, unit, against: 'the other checkout', value, reference, goal, wants });
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
