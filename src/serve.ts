import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Config, readConfig } from './config.ts';
import { type SupervisedServer, superviseEmbedded } from './db/embedded/supervisor.ts';
import { openOperatorLog } from './server/operator-log.ts';
import type { AuditService } from './service.ts';

const START_GRACE_MS = 2_000;

/**
 * Runs the service as the environment says until `stop` is aborted, which may be at any moment, then ends the process:
 * with 0, or with 1 and what was wrong on standard error.
 */
export async function serve(stop: AbortSignal): Promise<void> {
  let log: Logger | undefined;
  let code = 0;
  try {
    const config = readConfig();
    log = openOperatorLog(config.LOG_LEVEL);
    await run(config, log, stop);
  } catch (error) {
    // What fails because it is to stop has not failed.
    if (!stop.aborted) {
      code = 1;
      process.stderr.write(`audit log: ${(error as Error).message}\n`);
    }
  }
  if (log) log.flush(() => process.exit(code));
  else process.exit(code);
}

async function run(config: Config, log: Logger, stop: AbortSignal): Promise<void> {
  const embedded = await startDatabase(config, log, stop);
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

// Most of a start is to read and compile the service, so that is done while the database starts.
function load(): Promise<typeof import('./service.ts')> {
  // Before graphql-js is loaded: else it looks for a second copy of itself at each value, a third of the time of a page.
  process.env.NODE_ENV ??= 'production';
  loading ??= import('./service.ts');
  return loading;
}

function loadAhead(): void {
  // What is wrong with it is said where it is used.
  load()
    .then(() => import('./db/prisma.ts'))
    .then(({ preparePrisma }) => preparePrisma())
    .catch(() => undefined);
}

async function startDatabase(
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

// A service that is starting when it is to stop gets the time to finish that, unless its database is not there.
async function tooLate(stop: AbortSignal): Promise<never> {
  await aborted(stop);
  await setTimeout(START_GRACE_MS, undefined, { ref: false });
  throw new Error('stopped while starting');
}

async function aborted(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, 'abort');
}

// At once: the key is stored, and no other start prints it, whatever becomes of this one.
function printAdminKey(key: string): void {
  process.stdout.write(`Admin API key, shown this once: ${key}\n`);
}

function startMessage({ url }: AuditService, { GRAPHIQL }: Config): string {
  return `GraphQL API${GRAPHIQL ? ' and GraphiQL' : ''}: ${url}/graphql\nReady. Stop with Ctrl-C.\n`;
}
