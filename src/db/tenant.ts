import type { PoolClient } from 'pg';
import { bindCustomer } from './as-customer.ts';
import type { PrismaClient } from './generated/client.ts';
import { type Pool, rollBack } from './pool.ts';
import { boundPrismaOn } from './prisma.ts';

/**
 * The Prisma client for what one customer may see: every operation runs under the role `audit_log_customer`, to which
 * row-level security shows that customer's rows alone, whatever the operation says. It is the client extension that Prisma
 * describes for row-level security: each operation is a read-only transaction of its own, whose first statement names the
 * customer. Both travel in one write (`boundPrismaOn`).
 */
export function prismaAs(pool: Pool, customerId: string): PrismaClient {
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

/**
 * Runs `work` in a read-only transaction that sees one customer's rows, and returns what it returns. When that is false,
 * `work` left the connection in the middle of something, and it is given up.
 */
export async function asTenant<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(beginningFor(customerId));
    const result = await work(client);
    if (result === false) client.release(true);
    // Nothing was changed that could be lost, so nobody waits for the end.
    else void commit(client);
    return result;
  } catch (error) {
    void rollBack(client, error).then((isUsable) => client.release(!isUsable));
    throw error;
  }
}

// One statement, so that it costs one journey to the database and back; it takes no parameters, and what is in it is
// digits alone, whatever the customer is called.
function beginningFor(customerId: string): string {
  const hex = Buffer.from(customerId).toString('hex');
  return `BEGIN READ ONLY; SELECT set_config('role', 'audit_log_customer', true),
    set_config('audit_log.customer_id', convert_from(decode('${hex}', 'hex'), 'UTF8'), true)`;
}

async function commit(client: PoolClient): Promise<void> {
  const broken = await client.query('COMMIT').then(
    () => undefined,
    (cause: Error) => cause,
  );
  client.release(broken);
}
