import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createYoga } from 'graphql-yoga';
import { createStockClient } from './client.ts';
import { createStockSchema } from './schema.ts';

// Yoga + Pothos + Prisma as their own examples put them together, on DATABASE_URL and the schema DATABASE_SCHEMA.
const prisma = await createStockClient(
  process.env.DATABASE_URL ?? '',
  process.env.DATABASE_SCHEMA ?? 'public',
);
const yoga = createYoga({ schema: createStockSchema(prisma), logging: false });
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listens at http://127.0.0.1:${port}/graphql\n`);
});
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await prisma.$disconnect();
});
