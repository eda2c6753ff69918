import { PrismaPg } from '@prisma/adapter-pg';
import type { QueryConfig } from 'pg';
import { SILENCE } from './client.ts';
import { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';
import { statementName } from './queries.ts';
import { BIND_CUSTOMER, bindCustomer, queryAsCustomer } from './row-level-security.ts';

/** Makes ready what the first query of the process has to wait for, without a database: the compiler of queries. */
export async function preparePrisma(): Promise<void> {
  const client = new PrismaClient({ adapter: new PrismaPg({}) });
  await client.$connect();
  await client.$disconnect();
}

/** The Prisma client on the connections of a pool; one for each pool, and it ends with it. */
export const prismaOn = clientsOn((pool) => pool);

/** The same for statements that may compute long before their first row. */
export const longPrismaOn = clientsOn((pool) =>
  poolWith(pool, {
    query: (config) => pool.query({ ...config, silenceMs: SILENCE.long } as QueryConfig),
    connect: () => pool.connect(),
  }),
);

/** The same for transactions whose first statement is `bindCustomer`; it refuses every other statement. */
export const boundPrismaOn = clientsOn((pool) =>
  poolWith(pool, { query: refuseUnbound, connect: async () => new BoundTransaction(pool) }),
);

// A search may take as long as its connection lets it: the limit is on its silence.
const TRANSACTION = { maxWait: 60_000, timeout: 3_600_000 };

function clientsOn(poolFor: (pool: Pool) => Pool): (pool: Pool) => PrismaClient {
  const clients = new WeakMap<Pool, PrismaClient>();
  return (pool) => {
    let client = clients.get(pool);
    if (!client) {
      const adapter = new PrismaPg(poolFor(pool), { statementNameGenerator: statementName });
      // Minimal: it looks for no place in the source, which takes a stack trace of each operation.
      client = new PrismaClient({ adapter, transactionOptions: TRANSACTION, errorFormat: 'minimal' });
      clients.set(pool, client);
    }
    return client;
  };
}

/** What Prisma's adapter calls of a pool. */
interface PoolMethods {
  query(config: QueryConfig): Promise<unknown>;
  connect(): Promise<unknown>;
}

/** What Prisma's adapter takes for a pool, with other methods. */
function poolWith(pool: Pool, front: PoolMethods): Pool {
  const listening = { on: pool.on.bind(pool), removeListener: pool.removeListener.bind(pool) };
  return Object.assign(Object.create(pool) as Pool, listening, front);
}

async function refuseUnbound(): Promise<never> {
  throw new Error('a statement for customers was not bound to one');
}

const NOTHING = { rows: [], fields: [], rowCount: 0 };

/**
 * What Prisma's adapter takes for a connection in a transaction. Nothing is sent for its beginning, its end and the
 * statement that binds it: that one travels with each statement that follows, in one write and one transaction.
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
      // Planned with the policies of that role.
      ...(name && { name: `bound_${name}` }),
    });
  }

  on(): void {}
  removeListener(): void {}
  release(): void {}
}

/**
 * The Prisma client for what one customer may see: every operation runs under the role `audit_log_customer`, to which
 * row-level security shows that customer's rows alone, whatever the operation says. It is the client extension that Prisma
 * describes for row-level security: each operation is a read-only transaction of its own, whose first statement names the
 * customer. Both travel in one write (`boundPrismaOn`).
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
