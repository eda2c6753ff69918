import { defineConfig } from 'prisma/config';

const isOf = (...commands: string[]) => process.argv.some((argument) => commands.includes(argument));

// Every command of Prisma downloads its engine, and only these two run it. For the others any file that is there will do.
const runsEngine = isOf('migrate', 'db');
if (!runsEngine) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

const url = runsEngine || isOf('studio') ? await databaseUrl() : undefined;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url !== undefined && { datasource: { url } }),
});

/** The database of the service: by the settings, or the embedded one of a service that runs. */
async function databaseUrl(): Promise<string | undefined> {
  const { loadEnvFile } = await import('./src/env-file.ts');
  loadEnvFile();
  const { DATABASE_URL, DATABASE_ADMIN_URL, DATA_DIR = '.data' } = process.env;
  // Migrations are the work of the login that owns the tables, if that is not the one of the service.
  const given = (runsEngine && DATABASE_ADMIN_URL) || DATABASE_URL;
  if (given) return given;
  const { findRunning } = await import('./src/db/embedded/cluster.ts');
  return findRunning(DATA_DIR);
}
