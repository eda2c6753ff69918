import pg from 'pg';
import { Client, type ClientOptions } from './client.ts';

export type Pool = pg.Pool;

/** By this name the instances know each other's connections (`end_silent_holders`). */
export const APPLICATION_NAME = 'graphql-audit-log';

/** How long a transaction of the service may stand still between two statements. */
export const IDLE_IN_TRANSACTION_MS = 4_000;

/** How a pool differs from the usual one. */
export interface PoolOptions extends Pick<ClientOptions, 'silenceMs'> {
  /** Called with the connections of the pool when one of them has owed an answer for two seconds. */
  onQuiet?: (clients: Iterable<Client>) => void;
  /** Most connections; default 20. */
  max?: number;
  /** After how many uses a connection is closed; default: never. */
  maxUses?: number;
  /** The role that its connections take on; default: the one they log in with. */
  role?: 'audit_log_service';
  /**
   * How long the server leaves a transaction open while its client says nothing, in milliseconds. Default: 4 s with a
   * role, for ever without: tools such as `verify` hold a snapshot while they compute.
   */
  idleInTransactionMs?: number | undefined;
}

/** A pool on `connectionString`; broken idle connections are reported to `onError` and replaced, until it ends. */
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
    // An idle connection keeps the buffer that its largest answer took, megabytes for a large page: not for long.
    idleTimeoutMillis: 5_000,
    Client,
    ...(silenceMs !== undefined && { silenceMs }),
    ...(onQuiet && { onQuiet: () => onQuiet(clients) }),
  });
  clientsOf.set(pool, clients);
  // A pool that ends does not wait until its connections are closed: a server that stops right after it ends them first.
  const report = (error: Error) => {
    if (!pool.ending) onError(error);
  };
  // The pool listens to idle connections only: one that breaks while in use would end the process.
  pool.on('connect', (client) => {
    clients.add(clientOf(client));
    client.on('error', report);
  });
  pool.on('remove', (client) => clients.delete(clientOf(client)));
  pool.on('error', report);
  return pool;
}

/** What a client of a pool is beside what `pg` says of it. */
export function clientOf(client: pg.PoolClient): Client {
  return client as unknown as Client;
}

const clientsOf = new WeakMap<Pool, ReadonlySet<Client>>();

/** Breaks every connection of the pool: all that waits for one rejects at once. */
export function breakConnections(pool: Pool, reason: string): void {
  for (const client of clientsOf.get(pool) ?? []) client.destroy(reason);
}

/**
 * What the server does by itself about a client that is gone: it asks after 10 s of silence, and gives the connection up
 * 15 s later, or 20 s after it sent something that was not acknowledged. Any login may set these; they have no effect on a
 * Unix socket.
 */
const SERVER_LIMITS = [
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
  '-c tcp_user_timeout=20000',
];

/** The connection string with them, in UTC, and for a pool its role and the limit of a transaction that stands still. */
export function withServerLimits(
  connectionString: string,
  {
    role,
    idleInTransactionMs,
  }: { role?: PoolOptions['role'] | undefined; idleInTransactionMs?: number | undefined } = {},
): string {
  // In the URL itself: its parameters go before whatever is said beside it. What the URL's own options say counts, except
  // for the role, which must not be lost, and the time zone: Prisma's adapter takes every time for one in UTC, those that it
  // reads and those that it writes (prisma/prisma#26786, #28629). GMT is UTC, and needs no file of time zones.
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
 * Runs `work` on a connection of its own; one that may be broken afterwards is not used again. `silenceMs` is the limit
 * of its statements.
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

/** Sets the limit on the silence of the server for the statements of a client that name none; returns what resets it. */
export function limitSilence(client: pg.PoolClient, silenceMs: number | undefined): () => void {
  const own = clientOf(client);
  const before = own.silenceMs;
  if (silenceMs !== undefined) own.silenceMs = silenceMs;
  return () => {
    own.silenceMs = before;
  };
}

/** Whether an error says more than that a statement was refused. */
export function mayBeBroken(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError && error.severity === 'ERROR');
}

/** Runs `work` in one transaction and returns what it returns; rolled back when it throws. */
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

/** Undoes the transaction that an error ended, and returns whether the client can be used again. */
export async function rollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (clientOf(client).isBrokenBy(error)) return false;
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}
