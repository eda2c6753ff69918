import type { Client } from 'pg';
import type { Child } from '../child.ts';
import type { Lab } from '../lab.ts';
import { createPlainTable } from './plain-table.ts';
import { generateClient } from './stock/client.ts';

/** Starts stock Yoga + Pothos + Prisma on a new table of its own. */
export async function startStock(
  lab: Lab,
  client: Client,
  databaseUrl: string,
  schema: string,
): Promise<Child> {
  await createPlainTable(client, schema);
  return startStockOn(lab, databaseUrl, schema);
}

/** Starts stock Yoga + Pothos + Prisma on a schema that has the table. */
export function startStockOn(lab: Lab, databaseUrl: string, schema: string): Promise<Child> {
  generateClient();
  return lab.startProgram('contenders/stock/server.ts', {
    DATABASE_URL: databaseUrl,
    DATABASE_SCHEMA: schema,
    NODE_ENV: 'production',
  });
}
