import { EventEmitter } from 'node:events';
import { PrismaPg } from '@prisma/adapter-pg';
import { clearLogs } from '@prisma/debug';
import pg, { type PoolClient, type QueryConfig } from 'pg';
import { SILENCE } from './client-with-deadlines.ts';
import { Prisma, PrismaClient } from './generated/client.ts';
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

/** A Prisma client on the pool that accepts only transactions whose first statement is `bindCustomer`. */
export const boundPrismaOn = clientsOn((pool: Pool) =>
  poolWith(
    pool,
    ledBy(BIND_CUSTOMER, (customerId) => customerStatements(pool, customerId)),
  ),
);

// The limit of a search or verification is on the silence of its connection, not on the duration of its transaction: 7 days.
const TRANSACTION = { maxWait: 60_000, timeout: 604_800_000 };

/** Makes Prisma clients: one for each pool, or other object, with its lifetime. */
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

/** Runs the statements of a transaction. */
type RunStatement = (config: QueryConfig) => Promise<unknown>;

/** Methods of a pool for transactions whose first statement, with the text `first`, says by its value how to run the others. */
function ledBy(first: string, statementsFor: (value: string) => RunStatement): PoolMethods {
  return {
    query: refuseUnled,
    connect: async () => new LedTransaction(first, statementsFor),
  };
}

async function refuseUnled(): Promise<never> {
  throw new Error('a statement came without the one that binds it to a customer or a connection');
}

const NOTHING = { rows: [], fields: [], rowCount: 0 };

/** A connection in a transaction, as Prisma's adapter sees it. Its beginning, its end and its first statement are not sent. */
class LedTransaction {
  readonly #first: string;
  readonly #statementsFor: (value: string) => RunStatement;
  #run: RunStatement = refuseUnled;

  constructor(first: string, statementsFor: (value: string) => RunStatement) {
    this.#first = first;
    this.#statementsFor = statementsFor;
  }

  async query(config: QueryConfig): Promise<unknown> {
    if (['BEGIN', 'COMMIT', 'ROLLBACK'].includes(config.text)) return NOTHING;
    if (config.text !== this.#first) return this.#run(config);
    this.#run = this.#statementsFor(config.values?.[0] as string);
    return NOTHING;
  }

  on(): void {}
  removeListener(): void {}
  release(): void {}
}

/** Sends `bindCustomer` with each statement, in one write and one transaction. */
function customerStatements(pool: Pool, customerId: string): RunStatement {
  return ({ text, values = [], name, ...config }) =>
    queryAsCustomer(pool, customerId, {
      ...config,
      text,
      values,
      silenceMs: SILENCE.long,
      // A plan depends on the policies of the role, so it has another name than without the role.
      ...(name && { name: `bound_${name}` }),
    });
}

/**
 * The Prisma client for the rows of one customer. Every operation runs under the role `audit_log_customer`, to which
 * row-level security shows only the rows of that customer, whatever the operation is. It is the client extension that
 * Prisma documents for row-level security: each operation is a read-only transaction whose first statement sets the
 * customer. Both statements are sent in one write (`boundPrismaOn`).
 */
export function prismaAsCustomer(pool: Pool, customerId: string): PrismaClient {
  const prisma = boundPrismaOn(pool);
  return extended(prisma, (operation) => runAfter(prisma, bindCustomer(customerId), operation));
}

/**
 * The Prisma client on one connection of `pg`, for reads within the transaction that is open there. A client of its own for
 * each connection would take 6 to 15 ms and 1.5 MB, so all share one, and a first statement, which is not sent, names the
 * connection.
 */
export function prismaWithin(client: PoolClient): PrismaClient {
  const prisma = prismaOnConnections(CONNECTIONS);
  return extended(prisma, async (operation) => {
    operationCount += 1;
    const name = String(operationCount);
    CONNECTIONS.set(name, client);
    try {
      return await runAfter(prisma, nameConnection(name), operation);
    } finally {
      CONNECTIONS.delete(name);
    }
  });
}

let operationCount = 0;

/** The connections of the operations of `prismaWithin` that are running, by the name of the operation. */
const CONNECTIONS = new Map<string, PoolClient>();

function nameConnection(name: string): Prisma.Sql {
  return Prisma.sql`SELECT ${name} AS connection`;
}

const prismaOnConnections = clientsOn((connections: ReadonlyMap<string, PoolClient>) =>
  poolWith(
    new EventEmitter(),
    ledBy(
      nameConnection('').text,
      (name) => async (config) => (connections.get(name) as PoolClient).query(config),
    ),
  ),
);

/** The client whose operations are run so. */
function extended(
  prisma: PrismaClient,
  run: (operation: Prisma.PrismaPromise<unknown>) => Promise<unknown>,
): PrismaClient {
  const client = prisma.$extends({
    name: 'leading statement',
    query: { $allOperations: ({ args, query }) => run(query(args)) },
  });
  return client as unknown as PrismaClient;
}

/** Runs the operation in a transaction whose first statement is `first`. */
async function runAfter(
  prisma: PrismaClient,
  first: Prisma.Sql,
  operation: Prisma.PrismaPromise<unknown>,
): Promise<unknown> {
  const [, result] = await prisma.$transaction([prisma.$executeRaw(first), operation]);
  return result;
}
