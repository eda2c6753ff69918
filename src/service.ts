import { listenAdvice, namingSetting, readConfig } from './config.ts';
import { createApi } from './library/api.ts';
import { type OpenLog, openLog } from './library/open.ts';
import type { LogOptions } from './library/options.ts';
import { openOperatorLog } from './server/operator-log.ts';
import { type HttpServer, listen } from './server/server.ts';

/** The audit service: built by `createAuditService`, started and stopped once. */
export interface AuditService {
  /** The base URL that it listens on. */
  url: string;
  /** The admin's API key, when this start created it. It is shown nowhere else. */
  adminKey: string | undefined;
  /** The number of live subscriptions on this instance. */
  countSubscribers(): number;
  /**
   * Reports not ready and serves for another `STOP_DELAY_MS`. Then finishes what was accepted, ends subscriptions and closes
   * connections. When the database does not answer, its connections are broken after eight seconds; `stop` resolves after ten
   * seconds at the latest.
   */
  stop(): Promise<void>;
}

/** Options of a program that embeds the service. `config` is read from the environment by default. */
export type AuditServiceOptions = LogOptions;

/** Opens the log in this process and serves it. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const { config = readConfig() } = options;
  const { log = openOperatorLog(config.LOG_LEVEL) } = options;
  const open = await openLog({ ...options, config, log, hasAdminKey: true });
  try {
    return await serveLog(open);
  } catch (error) {
    await open.closers.close().catch(() => undefined);
    throw error;
  }
}

async function serveLog(open: OpenLog): Promise<AuditService> {
  const { services, storage, closers } = open;
  let http: HttpServer | undefined;
  services.baseUrl = () => http?.url ?? '';
  const server = await listenOn(open);
  http = server;
  closers.add(server, () => {
    // The server tells clients that it closes before the feed ends: else the end would reach them as a completion.
    const closed = server.close();
    services.feed.close();
    return closed;
  });
  return {
    url: server.url,
    adminKey: storage.adminKey.secret,
    countSubscribers: () => services.subscriptions.count,
    async stop() {
      await server.leave();
      await open.close();
    },
  };
}

async function listenOn(open: OpenLog): Promise<HttpServer> {
  const { HOST, PORT } = open.config;
  const api = await createApi(open, HOST);
  return namingSetting(`HOST and PORT (${HOST}, ${PORT})`, listenAdvice, () =>
    listen({ ...api, host: HOST, port: PORT }),
  );
}
