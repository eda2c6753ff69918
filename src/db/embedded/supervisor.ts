import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { clusterDirectory, passwordOf } from './cluster.ts';
import { DataDirInUse, lockDataDir } from './data-dir-lock.ts';
import {
  type EmbeddedOptions,
  type EmbeddedServer,
  type LockedDataDir,
  openDataDir,
  startServer,
} from './server.ts';

const NAME = 'the embedded PostgreSQL';
const BACK_OFF_MS = { first: 100, most: 30_000 };
/** After this time without an end, the delay before a restart is reset. */
const STEADY_MS = 60_000;

/** An embedded PostgreSQL that is restarted whenever it ends. */
export interface SupervisedServer {
  /** Unchanged by restarts. */
  connectionString: string;
  /** Rejects when the server has ended and cannot be restarted, since another service has locked the data directory. */
  lost: Promise<never>;
  /** Stops the server, also during a restart. */
  stop(): Promise<void>;
}

/** The lines of the server are logged at level debug, its end at error, its return at warn. */
export interface SupervisorOptions extends Omit<EmbeddedOptions, 'log'> {
  log: Logger;
}

/**
 * Starts the embedded PostgreSQL like `startEmbedded`. Whenever it ends before `stop`, restarts it on the same port,
 * after 100 ms, 200 ms and so on up to 30 s. A missing cluster is never made anew: an empty log in its locked would look
 * healthy.
 */
export async function superviseEmbedded({ log, ...rest }: SupervisorOptions): Promise<SupervisedServer> {
  const options = { ...rest, log: (line: string) => log.debug({ postgres: line }) };
  const locked = await openDataDir(options);
  let server: EmbeddedServer;
  try {
    server = await startServer(locked, options);
  } catch (error) {
    locked.lock.release();
    throw error;
  }
  const stopping = new AbortController();
  const supervised = supervise(locked, server, { options, log, stop: stopping.signal });
  const stopped = supervised.catch(() => undefined);
  const lost = supervised.then(() => new Promise<never>(() => undefined));
  // The rejection may come before anything awaits `lost`.
  lost.catch(() => undefined);
  return {
    connectionString: server.connectionString,
    lost,
    async stop() {
      stopping.abort();
      await stopped;
    },
  };
}

interface Supervision {
  options: EmbeddedOptions;
  log: Logger;
  stop: AbortSignal;
}

/** Resolves when the server was stopped. Rejects when another service has locked the data directory meanwhile. */
async function supervise(
  locked: LockedDataDir,
  first: EmbeddedServer,
  supervision: Supervision,
): Promise<void> {
  const { log, stop } = supervision;
  let server = first;
  let waitMs = BACK_OFF_MS.first;
  try {
    for (;;) {
      const startedAt = performance.now();
      await Promise.race([server.exited, aborted(stop)]);
      if (stop.aborted) return await server.stop();
      log.error({ lastLines: server.lastLines() }, `${NAME} ended by itself and is started again`);
      if (performance.now() - startedAt > STEADY_MS) waitMs = BACK_OFF_MS.first;
      for (let next: EmbeddedServer | undefined; !next; ) {
        await setTimeout(waitMs, undefined, { signal: stop }).catch(() => undefined);
        if (stop.aborted) return;
        waitMs = Math.min(waitMs * 2, BACK_OFF_MS.most);
        next = await restart(locked, server.port, supervision);
        if (next) server = next;
      }
      log.warn(`${NAME} answers again`);
    }
  } finally {
    locked.lock.release();
  }
}

async function restart(
  locked: LockedDataDir,
  port: number,
  supervision: Supervision,
): Promise<EmbeddedServer | undefined> {
  const { options, log, stop } = supervision;
  try {
    await checkCluster(locked.path);
    // The lock file or its directory may have been removed, and another service may have locked it.
    if (!locked.lock.isHeld()) locked.lock = lockDataDir(locked.path);
    return await startServer(locked, { ...options, port, stop });
  } catch (error) {
    const { message: cause } = error as Error;
    if (error instanceof DataDirInUse) {
      log.fatal({ cause }, `${NAME} ended by itself and cannot be started again`);
      throw error;
    }
    if (!stop.aborted) log.error({ cause }, `${NAME} could not be started again yet`);
    return undefined;
  }
}

async function checkCluster(dataDir: string): Promise<void> {
  const cluster = clusterDirectory(dataDir);
  const isThere = existsSync(join(cluster, 'PG_VERSION')) && (await passwordOf(dataDir)) !== undefined;
  if (!isThere)
    throw new Error(`${cluster} is gone: the service waits until it is back, and does not make a new one`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
