// A worker that follows the log and tells somebody of every alert, each once, also over restarts and while it was not
// running: it keeps the cursor of the last one that it has dealt with.
//
//   DATABASE_URL=postgresql://... node worker.js
import { readFile, writeFile } from 'node:fs/promises';
import { createAuditLog } from 'graphql-audit-log';

const CURSOR_FILE = process.env.CURSOR_FILE ?? 'cursor.txt';

const log = await createAuditLog({
  databaseUrl: process.env.DATABASE_URL,
  dataDir: process.env.DATA_DIR ?? '.data',
});

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const after = await readFile(CURSOR_FILE, 'utf8').catch(() => 'beginning');
for await (const event of log.follow({ minSeverity: 'error', after, signal: stop.signal })) {
  console.log(`${event.severity}: ${event.eventType} by ${event.userId ?? 'nobody'}: ${event.description}`);
  await writeFile(CURSOR_FILE, event.cursor);
}
await log.close();
