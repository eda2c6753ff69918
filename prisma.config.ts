import { defineConfig } from 'prisma/config';

// Prisma's command downloads an engine before `generate`, which never runs it: any file that is there does.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
