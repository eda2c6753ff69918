import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { createAuditService } from '../../src/service.ts';

const service = await createAuditService({
  config: readConfig(),
  databaseUrl: process.argv[2] ?? '',
  log: pino({ level: 'silent' }),
});

process.on('message', async (request) => {
  if (request === 'memory') process.send?.(memoryInUse());
  else await service.stop().then(() => process.disconnect());
});
process.send?.(service.url);

function memoryInUse(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
