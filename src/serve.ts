import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Config, readConfig } from './config.ts';
import { type SupervisedServer, superviseEmbedded } from './db/embedded/supervisor.ts';
import { loadEnvFile } from './env-file.ts';
import { openOperatorLog } from './server/operator-log.ts';
import type { AuditService } from './service.ts';

const START_GRACE_MS = 2_000;

/**
 * Runs the service with the settings of the environment until `stop` is aborted, which may happen at any moment. Then exits
 * with code 0, or after a failure with code 1 and its message on standard error.
 */
export async function serve(stop: AbortSignal): Promise<void> {
  let log: Logger | undefined;
  let code = 0;
  try {
    const file = loadEnvFile();
    if (file !== undefined) process.stdout.write(`Settings are also read from ${file}.\n`);
    const config = readConfig();
    log = openOperatorLog(config.LOG_LEVEL);
    await run(config, log, stop);
  } catch (error) {
    // A start that was interrupted by `stop` is no failure.
    if (!stop.aborted) {
      code = 1;
      process.stderr.write(`audit log: ${(error as Error).message}\n`);
    }
  }
  if (log) log.flush(() => process.exit(code));
  else process.exit(code);
}

async function run(config: Config, log: Logger, stop: AbortSignal): Promise<void> {
  const embedded = await startEmbedded(config, log, stop);
  let service: AuditService | undefined;
  try {
    stop.throwIfAborted();
    const databaseUrl = config.DATABASE_URL ?? embedded?.connectionString ?? '';
    const { createAuditService } = await load();
    const starting = createAuditService({ config, databaseUrl, log, onAdminKey: printAdminKey });
    service = await Promise.race([starting, tooLate(stop)]);
    if (stop.aborted) return;
    process.stdout.write(startMessage(service, config));
    await untilEnd(embedded, stop);
  } finally {
    await service?.stop();
    await embedded?.stop();
  }
}

let loading: Promise<typeof import('./service.ts')> | undefined;

// Loading and compiling the service takes most of a start, so it overlaps with the start of the database.
function load(): Promise<typeof import('./service.ts')> {
  // Set before graphql-js is loaded: otherwise graphql-js checks each value for a second copy of itself, which takes a third of
  // the time of a page.
  process.env.NODE_ENV ??= 'production';
  loading ??= import('./service.ts');
  return loading;
}

function loadAhead(): void {
  // A failure is reported by `run`, which loads the same modules.
  load()
    .then(() => import('./db/prisma.ts'))
    .then(({ preparePrisma }) => preparePrisma())
    .catch(() => undefined);
}

// `createAuditService` could start it too, but only once the service is loaded.
async function startEmbedded(
  { DATABASE_URL, DATA_DIR }: Config,
  log: Logger,
  stop: AbortSignal,
): Promise<SupervisedServer | undefined> {
  if (DATABASE_URL !== undefined) return undefined;
  return superviseEmbedded({ dataDir: DATA_DIR, log, stop, onWaiting: loadAhead });
}

async function untilEnd(embedded: SupervisedServer | undefined, stop: AbortSignal): Promise<void> {
  await Promise.race([aborted(stop), ...(embedded ? [embedded.lost] : [])]);
}

// A stop during the start lets the start finish, unless its database does not answer.
async function tooLate(stop: AbortSignal): Promise<never> {
  await aborted(stop);
  await setTimeout(START_GRACE_MS, undefined, { ref: false });
  throw new Error('stopped while starting');
}

async function aborted(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, 'abort');
}

// Printed at once: the key is stored by now, and no later start can print it.
function printAdminKey(key: string): void {
  process.stdout.write(`Admin API key, shown this once: ${key}\n`);
}

function startMessage({ url }: AuditService, { GRAPHIQL }: Config): string {
  return `GraphQL API${GRAPHIQL ? ' and GraphiQL' : ''}: ${url}/graphql\nReady. Stop with Ctrl-C.\n`;
}
