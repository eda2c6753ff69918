import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/db/embedded/server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A server on which tests make databases of their own. */
    adminUrl: string;
  }
}

/** One real PostgreSQL for the whole run: `TEST_DATABASE_URL`, or an embedded one in a temporary folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    project.provide('adminUrl', given);
    return async () => undefined;
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'audit-log-test-'));
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  const server = await startEmbedded({ dataDir, log: () => undefined, settings }).catch((error: Error) => {
    remove();
    throw error;
  });
  project.provide('adminUrl', server.connectionString);
  return async () => {
    await server.stop();
    remove();
  };
}
