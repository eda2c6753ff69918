import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeHeapSnapshot } from 'node:v8';
import { pino } from 'pino';

const [databaseUrl = '', built = ''] = process.argv.slice(2);
const load = (file: string) => import(pathToFileURL(join(built, file)).href);
const { readConfig } = (await load('config.js')) as typeof import('../../src/config.ts');
const { createAuditService } = (await load('service.js')) as typeof import('../../src/service.ts');

const service = await createAuditService({
  config: readConfig(),
  databaseUrl,
  log: pino({ level: 'silent' }),
});

// What the process computes between two ticks it computes without answering anybody; what the machine does besides does
// not count.
const TICK_MS = 5;
let longestTurnMs = 0;
let before = process.cpuUsage();
setInterval(() => {
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  longestTurnMs = Math.max(longestTurnMs, (user + system) / 1_000);
}, TICK_MS).unref();

/** A request with the name of a file behind it. */
const SNAPSHOT = 'snapshot ';

process.on('message', async (request: string) => {
  if (request === 'memory') process.send?.(memoryInUse());
  else if (request.startsWith(SNAPSHOT)) process.send?.(writeHeapSnapshot(request.slice(SNAPSHOT.length)));
  else if (request === 'longest turn') {
    process.send?.(longestTurnMs);
    longestTurnMs = 0;
  } else await service.stop().then(() => process.disconnect());
});
process.send?.(service.url);

function memoryInUse(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
