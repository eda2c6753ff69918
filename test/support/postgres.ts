import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/db/embedded/server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { copyCluster } from './cluster.ts';
import { onServer, urlOf } from './server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A server on which tests make databases of their own. */
    adminUrl: string;
    /** A migrated database on it, to make them from. */
    template: string;
    /** A data directory of the installed PostgreSQL as its first start leaves it, to make others from. */
    cluster: string;
  }
}

interface Server {
  url: string;
  /** Ends it; its files stay when they are to be looked at. */
  stop(isKept: boolean): Promise<void>;
}

const FOLDER_PREFIX = 'audit-log-test-';
const CLUSTER_PREFIX = 'audit-log-cluster-';
/** In the folder of a run that left databases for a look. */
const KEPT = 'kept';

/**
 * One real PostgreSQL for the whole run: `TEST_DATABASE_URL`, or an embedded one in a temporary folder, of the version
 * in the folder `TEST_POSTGRES` (an unpacked npm package) when that is set.
 */
export async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const cluster = mkdtempSync(join(tmpdir(), CLUSTER_PREFIX));
  const removeCluster = () => rmSync(cluster, { recursive: true, force: true });
  const start = async () => {
    await (await startEmbedded({ dataDir: cluster, log: () => undefined })).stop();
    return given ? { url: given, stop: async () => undefined } : await startTemporary(cluster);
  };
  const server = await start().catch((error: Error) => {
    removeCluster();
    throw error;
  });
  const template = await createTemplate(server.url).catch(async (error: Error) => {
    await server.stop(false);
    removeCluster();
    throw error;
  });
  project.provide('adminUrl', server.url);
  project.provide('template', template);
  project.provide('cluster', cluster);
  return async () => {
    const { rows } = await onServer(server.url, "SELECT FROM pg_database WHERE datname LIKE 'test\\_%'");
    await onServer(server.url, `DROP DATABASE ${template}`);
    removeCluster();
    await server.stop(rows.length > 0);
  };
}

async function startTemporary(cluster: string): Promise<Server> {
  removeKept();
  const dataDir = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  const programs = process.env.TEST_POSTGRES;
  if (!programs) copyCluster(cluster, dataDir);
  const options = { dataDir, log: () => undefined, settings, ...(programs && { programs }) };
  const server = await startEmbedded(options).catch((error: Error) => {
    remove();
    throw error;
  });
  const stop = async (isKept: boolean) => {
    await server.stop();
    if (!isKept) return remove();
    writeFileSync(join(dataDir, KEPT), '');
    console.info(`The databases of failed tests are kept: npm run test:look -- ${dataDir}`);
  };
  return { url: server.connectionString, stop };
}

/** Removes what earlier runs kept for a look, unless somebody looks at it now. */
function removeKept(): void {
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    const isKept = name.startsWith(FOLDER_PREFIX) && existsSync(join(folder, KEPT));
    if (isKept && !existsSync(join(folder, 'service.lock'))) rmSync(folder, { recursive: true, force: true });
  }
}

/** Migrates a database of this run's own, since others may test on the same server, and returns its name. */
async function createTemplate(serverUrl: string): Promise<string> {
  const name = `template_audit_log_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const pool = createPool(urlOf(serverUrl, name), () => undefined);
  await migrate(pool);
  await pool.end();
  return name;
}
