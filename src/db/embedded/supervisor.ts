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
/** A server that has run so long is started again at once when it ends. */
const STEADY_MS = 60_000;

/** An embedded PostgreSQL that is started again whenever it ends by itself. */
export interface SupervisedServer {
  /** The same as long as it is kept. */
  connectionString: string;
  /** Rejects when it has ended and another service has its data directory: it is not started again. */
  lost: Promise<never>;
  /** Stops it, also while it is being started again. */
  stop(): Promise<void>;
}

/** What the server says is logged as debug, that it ended as error, that it is back as warn. */
export interface SupervisorOptions extends Omit<EmbeddedOptions, 'log'> {
  log: Logger;
}

/**
 * Starts the embedded PostgreSQL as `startEmbedded` does, and starts it again on the same port, after 100 ms, 200 ms and so
 * on up to 30 s, whenever it ends before `stop`. A cluster that is gone is waited for and never made anew: an empty log in
 * its place would look like a healthy one.
 */
export async function superviseEmbedded({ log, ...rest }: SupervisorOptions): Promise<SupervisedServer> {
  const options = { ...rest, log: (line: string) => log.debug({ postgres: line }) };
  const place = await openDataDir(options);
  let server: EmbeddedServer;
  try {
    server = await startServer(place, options);
  } catch (error) {
    place.lock.release();
    throw error;
  }
  const stopping = new AbortController();
  const kept = supervise(place, server, { options, log, stop: stopping.signal });
  const stopped = kept.catch(() => undefined);
  const lost = kept.then(() => new Promise<never>(() => undefined));
  // Nobody may be waiting for it when it happens.
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

/** Resolves when the server was stopped. Rejects when another service has the data directory by now. */
async function supervise(place: LockedDataDir, first: EmbeddedServer, keeping: Supervision): Promise<void> {
  const { log, stop } = keeping;
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
        next = await restart(place, server.port, keeping);
        if (next) server = next;
      }
      log.warn(`${NAME} answers again`);
    }
  } finally {
    place.lock.release();
  }
}

async function restart(
  place: LockedDataDir,
  port: number,
  keeping: Supervision,
): Promise<EmbeddedServer | undefined> {
  const { options, log, stop } = keeping;
  try {
    await checkCluster(place.path);
    // Its file, or all of the directory, may have been gone for a while, and another service may have come.
    if (!place.lock.isHeld()) place.lock = lockDataDir(place.path);
    return await startServer(place, { ...options, port, stop });
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
  if (!isThere) throw new Error(`${cluster} is gone: it is waited for, and not made anew`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
