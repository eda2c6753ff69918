import { writeHeapSnapshot } from 'node:v8';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { createAuditService } from '../../src/service.ts';

const service = await createAuditService({
  config: readConfig(),
  databaseUrl: process.argv[2] ?? '',
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
