// The program of `startChildService`. It is no TypeScript and takes the service as compiled, because a process loads that in
// half of the processor time.
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { pino } from 'pino';

const [built, databaseUrl] = process.argv.slice(2);
const { readConfig } = await import(join(built, 'config.js'));
const { createAuditService } = await import(join(built, 'service.js'));

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

process.on('message', async (request) => {
  if (request === 'memory') process.send?.(memoryInUse());
  else if (request.startsWith(SNAPSHOT)) process.send?.(writeHeapSnapshot(request.slice(SNAPSHOT.length)));
  else if (request === 'longest turn') {
    process.send?.(longestTurnMs);
    longestTurnMs = 0;
  } else await service.stop().then(() => process.disconnect());
});
process.send?.(service.url);

function memoryInUse() {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
