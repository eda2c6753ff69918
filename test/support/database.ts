import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { checkLog } from './check-log.ts';
import { failedTests } from './failures.ts';
import { onServer, urlOf } from './server.ts';

/** A database of its own for a test file: LISTEN is per database. */
export interface TestDatabase {
  url: string;
  /**
   * Verifies the log in it, to the last proof (`checkLog`), unless the tests tampered with it; then removes the database.
   * When a test of the file failed, the database is kept and named (`npm run test:look` shows it after the run).
   */
  drop(options?: { isTampered?: boolean }): Promise<void>;
}

/** Makes an empty database with the schema of the service. */
export async function createDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('adminUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${inject('template')}`);
  const url = urlOf(serverUrl, name);
  const drop = async ({ isTampered = false } = {}) => {
    const failed = failedTests();
    if (failed.length > 0)
      return console.info(`kept for a look: the database ${name} of ${failed.join(', ')}`);
    if (!isTampered) await checkLog(url, dataDirOf(url));
    await onServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    await rm(dataDirOf(url), { recursive: true, force: true });
  };
  return { url, drop };
}

/** Where the services on a test database keep their signing key; `drop` of the database removes it. */
export function dataDirOf(databaseUrl: string): string {
  return join(tmpdir(), 'audit-log-test', new URL(databaseUrl).pathname.slice(1));
}
