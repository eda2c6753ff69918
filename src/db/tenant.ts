import { bindCustomer } from './as-customer.ts';
import type { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';
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
