import pg from 'pg';
import { Client, type ClientOptions } from './client-with-deadlines.ts';

export type Pool = pg.Pool;

/** The name by which instances recognise each other's connections (`end_silent_holders`). */
export const APPLICATION_NAME = 'graphql-audit-log';

/** Limit on the time between two statements of a transaction of the service. */
export const IDLE_IN_TRANSACTION_MS = 4_000;

/** Options of a pool. */
export interface PoolOptions extends Pick<ClientOptions, 'silenceMs'> {
  /** Called with the connections of the pool when a response on one of them has been due for two seconds. */
  onQuiet?: (clients: Iterable<Client>) => void;
  /** Maximum number of connections. Default: 20. */
  max?: number;
  /** Number of uses after which a connection is closed. Default: unlimited. */
  maxUses?: number;
  /** The role of the connections. Default: the login role. */
  role?: 'audit_log_service';
  /**
   * The `idle_in_transaction_session_timeout` of the connections, in milliseconds. Default: 4 s with a role, none
   * without: tools such as `verify` hold a snapshot while they compute.
   */
  idleInTransactionMs?: number | undefined;
}

/** Creates a pool. Broken idle connections are replaced and reported to `onError`, until the pool ends. */
export function createPool(
  connectionString: string,
  onError: (error: Error) => void,
  options: PoolOptions = {},
): Pool {
  const { max = 20, maxUses, role, silenceMs, onQuiet } = options;
  const { idleInTransactionMs = role === undefined ? undefined : IDLE_IN_TRANSACTION_MS } = options;
  const clients = new Set<Client>();
  const pool = new pg.Pool({
    connectionString: withServerLimits(connectionString, { role, idleInTransactionMs }),
    max,
    ...(maxUses !== undefined && { maxUses }),
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: 10_000,
    // An idle connection keeps the buffer of its largest response, megabytes for a large page.
    idleTimeoutMillis: 5_000,
    Client,
    ...(silenceMs !== undefined && { silenceMs }),
    ...(onQuiet && { onQuiet: () => onQuiet(clients) }),
  });
  clientsOf.set(pool, clients);
  // `end` does not wait for connections to close: the server may stop first and end them with an error.
  const report = (error: Error) => {
    if (!pool.ending) onError(error);
  };
  // The pool listens for errors of idle connections only: an error of another one would end the process.
  pool.on('connect', (client) => {
    clients.add(clientOf(client));
    client.on('error', report);
  });
  pool.on('remove', (client) => clients.delete(clientOf(client)));
  pool.on('error', report);
  return pool;
}

/** The client of a pool with its own type. */
export function clientOf(client: pg.PoolClient): Client {
  return client as unknown as Client;
}

const clientsOf = new WeakMap<Pool, ReadonlySet<Client>>();

/** Destroys every connection of the pool: all pending statements reject at once. */
export function breakConnections(pool: Pool, reason: string): void {
  for (const client of clientsOf.get(pool) ?? []) client.destroy(reason);
}

/**
 * Settings with which the server detects a lost client: a keepalive probe after 10 s of silence, the end of the
 * connection 15 s later, or 20 s after unacknowledged data. Any login may set them. They have no effect on a Unix socket.
 */
const SERVER_LIMITS = [
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
  '-c tcp_user_timeout=20000',
];

/**
 * The connection string with these settings, the time zone UTC, and optionally a role and the limit of idle transactions.
 */
export function withServerLimits(
  connectionString: string,
  {
    role,
    idleInTransactionMs,
  }: { role?: PoolOptions['role'] | undefined; idleInTransactionMs?: number | undefined } = {},
): string {
  // In the URL itself: `pg` prefers its parameters to other options. The URL's own options override ours, except for the
  // role, which must not be lost, and the time zone: Prisma's adapter reads and writes every time as UTC
  // (prisma/prisma#26786, #28629). GMT equals UTC and needs no time zone file.
  const url = new URL(connectionString);
  const given = url.searchParams.get('options');
  const parts = [...SERVER_LIMITS];
  if (idleInTransactionMs !== undefined)
    parts.push(`-c idle_in_transaction_session_timeout=${idleInTransactionMs}`);
  if (given !== null) parts.push(given);
  parts.push('-c TimeZone=GMT');
  if (role !== undefined) parts.push(`-c role=${role}`);
  url.searchParams.set('options', parts.join(' '));
  return url.href;
}

/**
 * Runs `work` on a connection of the pool. A connection that may be broken afterwards is not used again. `silenceMs` is
 * the limit for its statements.
 */
export async function withClient<T>(
  pool: Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  silenceMs?: number,
): Promise<T> {
  const client = await pool.connect();
  let isBroken = false;
  const restore = limitSilence(client, silenceMs);
  try {
    return await work(client);
  } catch (error) {
    isBroken = mayBeBroken(error);
    throw error;
  } finally {
    restore();
    client.release(isBroken);
  }
}

/** Sets the default limit for the statements of a client. Returns a function that resets it. */
export function limitSilence(client: pg.PoolClient, silenceMs: number | undefined): () => void {
  const own = clientOf(client);
  const before = own.silenceMs;
  if (silenceMs !== undefined) own.silenceMs = silenceMs;
  return () => {
    own.silenceMs = before;
  };
}

/** Whether the connection may be broken after the error: it is not just the error of a statement. */
export function mayBeBroken(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError && error.severity === 'ERROR');
}

/** Runs `work` in one transaction, which is rolled back when `work` throws. Returns its result. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  silenceMs?: number,
): Promise<T> {
  const client = await pool.connect();
  const restore = limitSilence(client, silenceMs);
  let isBroken = false;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    isBroken = !(await rollBack(client, error));
    throw error;
  } finally {
    restore();
    client.release(isBroken);
  }
}

/** Rolls back after an error. Returns whether the client can be used again. */
export async function rollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (clientOf(client).isBrokenBy(error)) return false;
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}
