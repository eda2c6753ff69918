import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogEvent } from '../../src/index.ts';
import { eventOf } from '../events.ts';
import { quantile } from '../load.ts';

// A program with the log in its own process, as it is built. What it is to measure it is asked over HTTP.

const BATCH = 500;
const BATCHES_IN_FLIGHT = 4;
const SINGLES = 2_000;

const built = new URL('../../dist/index.js', import.meta.url).href;
const { createAuditLog } = (await import(built)) as typeof import('../../src/index.ts');
const log = await createAuditLog({
  databaseUrl: process.env.DATABASE_URL ?? '',
  dataDir: process.env.DATA_DIR ?? '',
});
const singles: LogEvent[] = Array.from({ length: SINGLES }, (_, number) => eventOf(number));

async function logSingles(inFlight: number, seconds: number): Promise<object> {
  const times: number[] = [];
  let number = 0;
  const start = performance.now();
  const end = start + seconds * 1_000;
  async function write(): Promise<void> {
    for (let sentAt = start; sentAt < end; ) {
      sentAt = performance.now();
      await log.log(singles[number++ % SINGLES] as LogEvent);
      times.push(performance.now() - sentAt);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, write));
  const elapsed = (performance.now() - start) / 1_000;
  times.sort((a, b) => a - b);
  return { perSecond: times.length / elapsed, p50: quantile(times, 0.5) };
}

async function logBatches(first: number, count: number): Promise<object> {
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) =>
    Array.from({ length: BATCH }, (_, at) => eventOf(first + batch * BATCH + at)),
  );
  const start = performance.now();
  async function write(): Promise<void> {
    for (let batch = batches.shift(); batch; batch = batches.shift()) await log.logMany(batch);
  }
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, write));
  return { perSecond: count / ((performance.now() - start) / 1_000) };
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://here');
  const number = (name: string) => Number(searchParams.get(name));
  const result =
    pathname === '/singles'
      ? await logSingles(number('inFlight'), number('seconds'))
      : await logBatches(number('first'), number('count'));
  response.end(JSON.stringify(result));
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listens at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('SIGTERM', async () => {
  await log.close();
  process.exit();
});
