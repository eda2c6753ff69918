import { defineConfig } from 'prisma/config';

const isOf = (...commands: string[]) => process.argv.some((argument) => commands.includes(argument));

// Every command of Prisma requires its schema engine and would download it, but only these two run it. For the others, any
// existing file will do.
const runsEngine = isOf('migrate', 'db');
if (!runsEngine) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

const url = runsEngine || isOf('studio') ? await databaseUrl() : undefined;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url !== undefined && { datasource: { url } }),
});

/** The configured database of the service, or the embedded one of a running service. */
async function databaseUrl(): Promise<string | undefined> {
  const { loadEnvFile } = await import('./src/env-file.ts');
  loadEnvFile();
  const { DATABASE_URL, DATABASE_ADMIN_URL, DATA_DIR = '.data' } = process.env;
  // Migrations need the login that owns the tables, which may differ from that of the service.
  const given = (runsEngine && DATABASE_ADMIN_URL) || DATABASE_URL;
  if (given) return given;
  const { findRunning } = await import('./src/db/embedded/cluster.ts');
  return findRunning(DATA_DIR);
}
