import { setTimeout } from 'node:timers/promises';
import pg from 'pg';

const SILENT_MS = 30_000;
const RECOVERY_MS = 600_000;
const CONNECT_MS = 5_000;
const POLL_MS = 20;
// SQLSTATE cannot_connect_now: the server is there and still recovers from a crash.
const STARTING_UP = '57P03';

/**
 * Resolves with true when the server answers a query, with false when `hasEnded` says it is gone. Throws after 30 s
 * without an answer, or after 10 minutes of answers that it is still starting up (recovering from a crash).
 */
export async function untilReady(connectionString: string, hasEnded: () => boolean): Promise<boolean> {
  const start = performance.now();
  let lastAnswer = start;
  while (!hasEnded()) {
    const error = await ask(connectionString);
    if (error === undefined) return true;
    const now = performance.now();
    if (error.code === STARTING_UP) lastAnswer = now;
    if (now - lastAnswer > SILENT_MS || now - start > RECOVERY_MS) {
      throw new Error(`PostgreSQL does not answer: ${error.message}`);
    }
    await setTimeout(POLL_MS);
  }
  return false;
}

async function ask(connectionString: string): Promise<(Error & { code?: string }) | undefined> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
