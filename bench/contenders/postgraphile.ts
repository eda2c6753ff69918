import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { Child } from '../child.ts';
import type { Lab } from '../lab.ts';
import { createPlainTable } from './plain-table.ts';

const FOLDER = join(import.meta.dirname, 'postgraphile');
const NODE = join(FOLDER, 'node_modules/node/bin/node');

/** Starts PostGraphile on a new table of its own; undefined when the run is without it. */
export async function startPostgraphile(
  lab: Lab,
  client: Client,
  databaseUrl: string,
  schema: string,
): Promise<Child | undefined> {
  if (!lab.options.hasPostgraphile) return undefined;
  await createPlainTable(client, schema);
  return startPostgraphileOn(lab, databaseUrl, schema);
}

/** Starts PostGraphile on a schema that has the table; undefined when the run is without it. */
export async function startPostgraphileOn(
  lab: Lab,
  databaseUrl: string,
  schema: string,
): Promise<Child | undefined> {
  if (!lab.options.hasPostgraphile) return undefined;
  if (!existsSync(NODE)) {
    lab.progress.say(
      'installing PostGraphile and the Node that it needs under bench/ (--no-postgraphile leaves them out)',
    );
    execFileSync('npm', ['ci', '--loglevel=error'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return lab.startProgram(
    'contenders/postgraphile/server.js',
    {
      DATABASE_URL: databaseUrl,
      DATABASE_SCHEMA: schema,
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
    },
    NODE,
  );
}
