import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../src/db/embedded/server.ts';
import { Closers } from '../src/shutdown.ts';
import { type Child, startChild } from './child.ts';
import type { Options } from './options.ts';
import type { Progress } from './progress.ts';

/** The key that every service of a run knows. */
export const KEY = 'the-key-of-the-benchmark-0123456789';

const ROOT = join(import.meta.dirname, '..');

/** Where a run takes place: one PostgreSQL with durable commits, and the contenders on it. */
export interface Lab {
  options: Options;
  progress: Progress;
  /** A temporary folder of the run. */
  folder: string;
  /** Makes an empty database, or a copy of one that nobody is connected to, and returns its address. */
  createDatabase(name: string, template?: string): Promise<string>;
  /** A connection of the load generator. */
  connect(databaseUrl: string): Promise<pg.Client>;
  /** Starts the service on a database: as it is built here, or in another checkout. */
  startService(databaseUrl: string, root?: string): Promise<Child>;
  /** Starts another program of the benchmark, a file under `bench/`, with this Node or another one. */
  startProgram(file: string, environment: Record<string, string>, node?: string): Promise<Child>;
  /** Has something closed at the end, in the reverse order. */
  closers: Closers;
}

/** Opens the lab; whoever opens it closes its `closers`, also when something fails. */
export async function openLab(options: Options, progress: Progress): Promise<Lab> {
  const closers = new Closers();
  const folder = mkdtempSync(join(options.tmp ?? tmpdir(), 'audit-log-bench-'));
  closers.add(folder, () => rmSync(folder, { recursive: true, force: true }));
  try {
    progress.say('starting PostgreSQL');
    const dataDir = join(folder, 'data');
    // Whatever account PostgreSQL runs under has to get through.
    mkdirSync(dataDir, { mode: 0o755 });
    const server = await startEmbedded({ dataDir, log: () => undefined });
    closers.add(server, () => server.stop());
    return labOn({ options, progress, folder, closers, serverUrl: server.connectionString });
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function labOn(parts: Pick<Lab, 'options' | 'progress' | 'folder' | 'closers'> & { serverUrl: string }): Lab {
  const { folder, closers, serverUrl } = parts;
  let started = 0;
  const start = async (name: string, child: Parameters<typeof startChild>[0]) =>
    closers.add(await startChild({ ...child, outputFile: `${folder}/${++started}-${name}.log` }), (one) =>
      one.stop(),
    );
  return {
    ...parts,
    async createDatabase(name, template = 'template0') {
      const client = new pg.Client({ connectionString: serverUrl });
      await client.connect();
      await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`).finally(() => client.end());
      const url = new URL(serverUrl);
      url.pathname = `/${name}`;
      return url.href;
    },
    async connect(databaseUrl) {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      return closers.add(client, () => client.end());
    },
    startService: (databaseUrl, root = ROOT) => start('service', serviceOn(databaseUrl, folder, root)),
    startProgram: (file, environment, node = process.execPath) =>
      start('contender', {
        program: node,
        programArguments: [...(file.endsWith('.ts') ? ['--import', 'tsx'] : []), join(ROOT, 'bench', file)],
        cwd: ROOT,
        environment,
        outputFile: '',
        ready: /listens at (\S+)/,
      }),
  };
}

// Everything as it comes, but for the rate limit: one key sends what usually many do.
function serviceOn(databaseUrl: string, folder: string, root: string): Parameters<typeof startChild>[0] {
  const database = new URL(databaseUrl).pathname.slice(1);
  return {
    // As `npm start` does.
    programArguments: ['--max-semi-space-size=32', join(root, 'dist/main.js')],
    environment: {
      DATABASE_URL: databaseUrl,
      DATA_DIR: join(folder, `service-${database}`),
      PORT: '0',
      ADMIN_API_KEY: KEY,
      RATE_LIMIT: '0',
      NODE_ENV: 'production',
    },
    outputFile: '',
    ready: /GraphQL API and GraphiQL: (\S+)\n(?:.*\n)*?Ready\./,
  };
}
