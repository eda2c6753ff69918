import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';

const clients = new WeakMap<Pool, PrismaClient>();

/** The Prisma client on the connections of a pool, for the plain tables; one for each pool, and it ends with it. */
export function prismaOn(pool: Pool): PrismaClient {
  const client = clients.get(pool) ?? new PrismaClient({ adapter: new PrismaPg(pool) });
  clients.set(pool, client);
  return client;
}
