import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';

const GENERATED = new URL('generated/client.ts', import.meta.url);

/** A row of the model, as far as the API shows it. */
export interface StockEvent {
  position: bigint;
  id: string;
  timestamp: Date;
  eventType: string;
  outcome: string;
  severity: string;
  userId: string | null;
  customerId: string | null;
  ipAddress: string | null;
  resourceType: string | null;
  resourceId: string | null;
  action: string;
  description: string;
  details: unknown;
}

/** What the resolvers use of the generated client. */
export interface StockClient {
  auditEvent: {
    create(query: { data: object }): Promise<StockEvent>;
    createMany(query: { data: object[] }): Promise<{ count: number }>;
    findMany(query: {
      where: object;
      orderBy: object[];
      take: number;
      skip?: number;
      cursor?: object;
    }): Promise<StockEvent[]>;
  };
  $disconnect(): Promise<void>;
}

/** Generates the client where it is not there. The generator wants an engine that it never runs, so any file will do. */
export function generateClient(): void {
  if (existsSync(GENERATED)) return;
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
  execFileSync(process.execPath, [prisma, 'generate'], {
    cwd: new URL('.', import.meta.url),
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A client on a schema of the database. */
export async function createStockClient(databaseUrl: string, schema: string): Promise<StockClient> {
  const { PrismaClient } = (await import(GENERATED.href)) as {
    PrismaClient: new (options: { adapter: PrismaPg }) => StockClient;
  };
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: databaseUrl }, { schema }) });
}
