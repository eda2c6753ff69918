import { EventEmitter } from 'node:events';
import { PrismaPg } from '@prisma/adapter-pg';
import { clearLogs } from '@prisma/debug';
import pg, { type PoolClient, type QueryConfig } from 'pg';
import { SILENCE } from './client-with-deadlines.ts';
import { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';
import { statementName } from './queries.ts';
import { BIND_CUSTOMER, bindCustomer, queryAsCustomer } from './row-level-security.ts';

/** Loads the query compiler, which the first query would otherwise wait for. Needs no database. */
export async function preparePrisma(): Promise<void> {
  const client = new PrismaClient({ adapter: new PrismaPg({}) });
  await client.$connect();
  await client.$disconnect();
}

/** The Prisma client on a pool: one for each pool, with its lifetime. */
export const prismaOn = clientsOn((pool: Pool) => pool);

/** A Prisma client on the pool for statements that may compute long before their first row. */
export const longPrismaOn = clientsOn((pool: Pool) =>
  poolWith(pool, {
    query: (config) => pool.query({ ...config, silenceMs: SILENCE.long } as QueryConfig),
    connect: () => pool.connect(),
  }),
);

/** The Prisma client on one connection of `pg`, for reads within the transaction that is open there. It begins none itself. */
export const prismaWithin = clientsOn((client: PoolClient) => {
  const query = (config: QueryConfig) => client.query(config);
  return poolWith(new EventEmitter(), { query, connect: refuseTransaction });
});

/** A Prisma client on the pool that accepts only transactions whose first statement is `bindCustomer`. */
export const boundPrismaOn = clientsOn((pool: Pool) =>
  poolWith(pool, { query: refuseUnbound, connect: async () => new BoundTransaction(pool) }),
);

// The limit of a search is on the silence of its connection, not on the duration of its transaction.
const TRANSACTION = { maxWait: 60_000, timeout: 3_600_000 };

/** Makes Prisma clients on pools or connections: one for each, with its lifetime. */
function clientsOn<On extends object>(poolFor: (on: On) => Pool): (on: On) => PrismaClient {
  const clients = new WeakMap<On, PrismaClient>();
  return (on) => {
    let client = clients.get(on);
    if (!client) {
      const adapter = new PrismaPg(poolFor(on), { statementNameGenerator: nameAndForget });
      // Minimal: other formats take a stack trace for each operation to quote the source.
      client = new PrismaClient({ adapter, transactionOptions: TRANSACTION, errorFormat: 'minimal' });
      clients.set(on, client);
    }
    return client;
  };
}

/**
 * The name of a prepared statement. The adapter asks for it with each statement, after it has kept the statement with its
 * values among the last hundred for a debug log; they are forgotten here.
 */
function nameAndForget(statement: { sql: string }): string {
  clearLogs();
  return statementName(statement);
}

/** The methods of a pool that Prisma's adapter calls. */
interface PoolMethods {
  query(config: QueryConfig): Promise<unknown>;
  connect(): Promise<unknown>;
}

/** A pool for Prisma's adapter, which accepts only pools: with these methods, and the events of `source`. */
function poolWith(source: Pick<EventEmitter, 'on' | 'removeListener'>, methods: PoolMethods): Pool {
  const on = source.on.bind(source);
  const removeListener = source.removeListener.bind(source);
  return Object.assign(Object.create(pg.Pool.prototype) as Pool, { on, removeListener }, methods);
}

async function refuseTransaction(): Promise<never> {
  throw new Error('a transaction is open on this connection');
}

async function refuseUnbound(): Promise<never> {
  throw new Error('a statement on the client for customers was not bound to a customer');
}

const NOTHING = { rows: [], fields: [], rowCount: 0 };

/**
 * A connection in a transaction, as Prisma's adapter sees it. Nothing is sent for its beginning, its end and the
 * statement that binds it to a customer: that statement is sent with each following one, in one write and one
 * transaction.
 */
class BoundTransaction {
  readonly #pool: Pool;
  #customerId: string | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async query({ text, values = [], name, ...config }: QueryConfig): Promise<unknown> {
    if (text === BIND_CUSTOMER) this.#customerId = values[0] as string;
    if (text === BIND_CUSTOMER || ['BEGIN', 'COMMIT', 'ROLLBACK'].includes(text)) return NOTHING;
    if (this.#customerId === undefined) return refuseUnbound();
    return queryAsCustomer(this.#pool, this.#customerId, {
      ...config,
      text,
      values,
      silenceMs: SILENCE.long,
      // A plan depends on the policies of the role, so it has another name than without the role.
      ...(name && { name: `bound_${name}` }),
    });
  }

  on(): void {}
  removeListener(): void {}
  release(): void {}
}

/**
 * The Prisma client for the rows of one customer. Every operation runs under the role `audit_log_customer`, to which
 * row-level security shows only the rows of that customer, whatever the operation is. It is the client extension that
 * Prisma documents for row-level security: each operation is a read-only transaction whose first statement sets the
 * customer. Both statements are sent in one write (`boundPrismaOn`).
 */
export function prismaAsCustomer(pool: Pool, customerId: string): PrismaClient {
  const prisma = boundPrismaOn(pool);
  const extended = prisma.$extends({
    name: 'customer',
    query: {
      async $allOperations({ args, query }) {
        const binding = prisma.$executeRaw(bindCustomer(customerId));
        const [, result] = await prisma.$transaction([binding, query(args)]);
        return result;
      },
    },
  });
  return extended as unknown as PrismaClient;
}
