// A program that records events until it is killed, and says each when it is acknowledged.
import { createAuditLog } from '../../src/index.ts';

const [databaseUrl = '', dataDir = ''] = process.argv.slice(2);
const log = await createAuditLog({
  ...(databaseUrl !== '-' && { databaseUrl }),
  dataDir,
  settings: { META_AUDIT: 'none' },
});
process.send?.('ready');
async function write(): Promise<void> {
  for (;;) {
    const { event } = await log.log({ eventType: 'data.create', userId: 'victim' });
    process.send?.(event?.id);
  }
}
await Promise.all(Array.from({ length: 8 }, write));
