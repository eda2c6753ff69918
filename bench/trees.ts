import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { createPool, inTransaction, type Pool } from '../src/db/pool.ts';
import { prismaOn } from '../src/db/prisma.ts';
import { appendLeaves } from '../src/evidence/append-leaves.ts';
import { lockLogTree } from '../src/evidence/trees.ts';
import { readHead } from '../src/log/head.ts';
import { leafHash } from '../src/merkle/hash.ts';
import { emptyFrontier, extendFrontier, rootOf, serializeFrontier } from '../src/merkle/tree.ts';
import { customerOf } from './events.ts';
import { KEY, type Lab, openLab } from './lab.ts';
import { median, quantile, run } from './load.ts';
import { type Options, readOptions } from './options.ts';
import { procstat } from './process-stat.ts';
import { createProgress } from './progress.ts';
import { requests } from './requests.ts';
import { inTurn, medianOf } from './rounds.ts';

/** Events of a request, and of a step when the trees are grown as the append would. */
const BATCH = 500;
/** Events of a step of the reader that grows the trees behind the append. */
const STEP = 20_000;
const SAMPLE_MS = 50;

/** Logs that differ in the customers of a batch of 500 events: none, one, and each event another. */
const LOGS = {
  none: () => null,
  one: () => customerOf(0),
  many: (number: number) => customerOf(number % BATCH),
} as const;
type LogName = keyof typeof LOGS;

/** How far the reader was behind while the log grew. */
interface Lag {
  eventsPerSecond: number;
  medianEvents: number;
  mostEvents: number;
  catchUpMs: number;
}

async function main(options: Options): Promise<void> {
  const progress = createProgress(options.isJson);
  const lab = await openLab(options, progress);
  try {
    const maths = measureMaths();
    const lags = {} as Record<LogName, Lag>;
    const pools = {} as Record<LogName, Pool>;
    for (const name of Object.keys(LOGS) as LogName[]) {
      const { lag, url } = await fill(lab, name, options.rows);
      lags[name] = lag;
      pools[name] = createPool(url, () => undefined, { max: 1 });
      lab.closers.add(pools[name], (pool) => pool.end());
    }
    const growing = (Object.keys(LOGS) as LogName[]).flatMap((name) =>
      [BATCH, STEP].map((step) => [`${name}/${step}`, () => grow(pools[name], step)] as const),
    );
    // The first turn of each is a warm-up.
    for (const [, turn] of growing) await turn();
    const results = await inTurn(options.rounds, Object.fromEntries(growing), (name, round) =>
      progress.say(`growing ${name}, round ${round}`),
    );
    const cpuOf = (name: LogName, step: number) => medianOf(results[`${name}/${step}`] ?? [], (us) => us);
    const found = {
      maths,
      lags,
      cpuUs: Object.fromEntries(growing.map(([name]) => [name, medianOf(results[name] ?? [], (us) => us)])),
    };
    process.stdout.write(options.isJson ? `${JSON.stringify(found, null, 2)}\n` : report(maths, lags, cpuOf));
  } finally {
    await lab.closers.close();
  }
}

/** What the log's tree costs the append: processor time, in microseconds an event. */
function measureMaths(): { leafUs: number; treeUs: number } {
  const events = Array.from({ length: BATCH }, () => randomBytes(750));
  const leaves = events.map(leafHash);
  const timed = (work: () => void, rounds = 200) => {
    const start = process.cpuUsage();
    for (let round = 0; round < rounds; round += 1) work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / (rounds * BATCH);
  };
  const growOnce = () => {
    const frontier = extendFrontier(emptyFrontier, leaves);
    rootOf(frontier);
    serializeFrontier(frontier);
  };
  for (const warmUp of [growOnce, () => events.forEach(leafHash)]) timed(warmUp);
  return {
    leafUs: median([1, 2, 3].map(() => timed(() => events.forEach(leafHash)))),
    treeUs: median([1, 2, 3].map(() => timed(growOnce))),
  };
}

/** Loads a log through the service, and looks how far its trees are behind meanwhile. */
async function fill(lab: Lab, name: LogName, rows: number): Promise<{ lag: Lag; url: string }> {
  const url = await lab.createDatabase(`trees_${name}`);
  const service = await lab.startService(url);
  const client = await lab.connect(url);
  const before = await behind(client);
  let sent = 0;
  let isDone = false;
  const load = run({
    urls: [service.url],
    connections: 4,
    next(to) {
      if (sent >= rows) return undefined;
      const first = sent;
      sent += BATCH;
      lab.progress.count(`loading ${name}`, Math.min(sent, rows), rows);
      return requests.batch({ url: to, key: KEY }, first, BATCH, (n) => ({ customerId: LOGS[name](n) }));
    },
  }).finally(() => {
    isDone = true;
  });
  // What goes wrong is thrown where it is waited for, so that everything is closed.
  load.catch(() => undefined);
  const samples: number[] = [];
  while (!isDone) {
    samples.push(await behind(client));
    await setTimeout(SAMPLE_MS);
  }
  const { perSecond } = await load;
  const endMs = performance.now();
  while ((await behind(client)) > before) await setTimeout(SAMPLE_MS);
  const catchUpMs = performance.now() - endMs;
  await service.stop();
  samples.sort((a, b) => a - b);
  const lag = { medianEvents: quantile(samples, 0.5), mostEvents: samples.at(-1) ?? 0, catchUpMs };
  return { url, lag: { eventsPerSecond: perSecond * BATCH, ...lag } };
}

/** Events that are in the log and not in its trees. */
async function behind(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ behind: string }>(
    "SELECT (SELECT size FROM log_head) - coalesce((SELECT size FROM trees WHERE tree = 'log'), 0) AS behind",
  );
  return Number(rows[0]?.behind);
}

/** Grows all trees of a log anew in steps of so many events; the processor time of both processes, microseconds an event. */
async function grow(pool: Pool, step: number): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await pool.query("SET session_replication_role = 'replica'");
  await pool.query('TRUNCATE trees, tree_tiles, checkpoints, cosignatures');
  const { size } = (await readHead(prismaOn(pool))).frontier;
  const backend = procstat(rows[0]?.pid as number).cpuMs;
  const own = process.cpuUsage();
  for (let end = Math.min(step, size); ; end = Math.min(end + step, size)) {
    await inTransaction(pool, async (client) => appendLeaves(client, await lockLogTree(client), end));
    if (end === size) break;
  }
  const { user, system } = process.cpuUsage(own);
  return (user + system + (procstat(rows[0]?.pid as number).cpuMs - backend) * 1_000) / size;
}

function report(
  { leafUs, treeUs }: { leafUs: number; treeUs: number },
  lags: Record<LogName, Lag>,
  cpuOf: (name: LogName, step: number) => number,
): string {
  const us = (value: number) => value.toFixed(1).padStart(8);
  const lines = [
    `In the append (processor time): leaf hash ${leafUs.toFixed(2)} us an event, the log's tree (batches of ${BATCH}) ${treeUs.toFixed(2)} us an event.`,
    '',
    'Processor time of growing all trees (service and PostgreSQL), microseconds an event:',
    `customers a batch   by the reader (steps of ${STEP})   in steps of ${BATCH}   customers' trees in the append, ms a batch`,
    ...(Object.keys(LOGS) as LogName[]).map((name) => {
      const added = ((cpuOf(name, BATCH) - cpuOf('none', BATCH)) * BATCH) / 1_000;
      return `${name.padEnd(20)}${us(cpuOf(name, STEP)).padEnd(35)}${us(cpuOf(name, BATCH)).padEnd(20)}${us(added)}`;
    }),
    '',
    'How far the reader is behind while four connections send batches:',
    ...(Object.keys(LOGS) as LogName[]).map((name) => {
      const { eventsPerSecond, medianEvents, mostEvents, catchUpMs } = lags[name];
      return `${name.padEnd(8)}${Math.round(eventsPerSecond)} events/s, behind by ${medianEvents} (median), ${mostEvents} (most), caught up ${Math.round(catchUpMs)} ms after the last`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

const options = readOptions(process.argv.slice(2));
if (options) await main(options);
