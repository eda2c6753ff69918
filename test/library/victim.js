// A program that records events until it is killed, and says each when it is acknowledged. It takes the library as compiled.
import { join } from 'node:path';

const [built, databaseUrl, dataDir] = process.argv.slice(2);
const { createAuditLog } = await import(join(built, 'index.js'));
const log = await createAuditLog({
  ...(databaseUrl !== '-' && { databaseUrl }),
  dataDir,
  settings: { META_AUDIT: 'none' },
});
process.send?.('ready');
async function write() {
  for (;;) {
    const { event } = await log.log({ eventType: 'data.create', userId: 'victim' });
    process.send?.(event?.id);
  }
}
await Promise.all(Array.from({ length: 8 }, write));
