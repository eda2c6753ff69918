import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';

const clients = new WeakMap<Pool, PrismaClient>();

/** Makes ready what the first query of the process has to wait for, without a database: the compiler of queries. */
export async function preparePrisma(): Promise<void> {
  const client = new PrismaClient({ adapter: new PrismaPg({}) });
  await client.$connect();
  await client.$disconnect();
}

/** The Prisma client on the connections of a pool, for the plain tables; one for each pool, and it ends with it. */
export function prismaOn(pool: Pool): PrismaClient {
  const client = clients.get(pool) ?? new PrismaClient({ adapter: new PrismaPg(pool) });
  clients.set(pool, client);
  return client;
}
