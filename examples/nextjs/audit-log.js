import { createAuditLog } from 'graphql-audit-log';

/** One log for all routes: Next.js may load a module more than once. */
export function auditLog() {
  globalThis.auditLog ??= createAuditLog({
    databaseUrl: process.env.DATABASE_URL, // Unset: a PostgreSQL of its own under dataDir.
    dataDir: process.env.DATA_DIR ?? '.data',
    settings: { ADMIN_API_KEY: process.env.AUDIT_ADMIN_KEY },
  });
  return globalThis.auditLog;
}
