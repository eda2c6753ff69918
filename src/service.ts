import { listenAdvice, namingSetting, readConfig } from './config.ts';
import type { AuditError } from './errors.ts';
import { createApi } from './library/mount.ts';
import { type OpenLog, openLog } from './library/open.ts';
import type { LogOptions } from './library/options.ts';
import { startDatabase } from './library/storage.ts';
import { createHostCheck } from './server/hosts-and-origins.ts';
import { openOperatorLog } from './server/operator-log.ts';
import { type HttpServer, listen } from './server/server.ts';
import { Closers } from './shutdown.ts';

/** The audit service: built by `createAuditService`, started and stopped once. */
export interface AuditService {
  /** Where it listens. */
  url: string;
  /** The admin's API key, when this start made it: it is shown nowhere else. */
  adminKey: string | undefined;
  /** How many live subscriptions are being read here. */
  countSubscribers(): number;
  /**
   * Is not ready and goes on to serve for `STOP_DELAY_MS`. Then finishes what was accepted, cuts subscriptions, closes
   * connections. When the database does not answer, its connections are broken after eight seconds, and this resolves
   * after ten, whatever is left.
   */
  stop(): Promise<void>;
}

/** What a program that embeds the service may choose. `config` is what the environment says by default. */
export type AuditServiceOptions = LogOptions;

/** Opens the log in this process and starts to serve it. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const closers = new Closers();
  try {
    const { config = readConfig() } = options;
    const { log = openOperatorLog(config.LOG_LEVEL) } = options;
    const { databaseUrl = config.DATABASE_URL ?? (await startDatabase(config, log, closers)) } = options;
    const open = await openLog({ ...options, config, log, databaseUrl, hasAdminKey: true }, closers);
    return await serve(open);
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function serve(open: OpenLog): Promise<AuditService> {
  const { services, storage, refused } = open;
  let http: HttpServer | undefined;
  services.baseUrl = () => http?.url ?? '';
  const server = await listenOn(open, (error) => refused.abort(error));
  http = server;
  open.closers.add(server, () => {
    // Clients are told first that they are cut: then the end of their subscription reaches nobody as a completion.
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

async function listenOn(open: OpenLog, onRefused: (error: AuditError) => void): Promise<HttpServer> {
  const { HOST, PORT, ALLOWED_HOSTS } = open.config;
  const isHost = createHostCheck(HOST, ALLOWED_HOSTS);
  const options = { ...(await createApi(open)), host: HOST, port: PORT, isHost, onRefused };
  const address = `HOST and PORT (${HOST}, ${PORT})`;
  return namingSetting(address, listenAdvice, () => listen(options));
}
