import { pino } from 'pino';
import { type AuditLog, type AuditLogOptions, createAuditLog } from '../../src/index.ts';
import { dataDirOf } from './database.ts';

/** Opens a log in this process on a test database, with what tests count: no events about the log itself. */
export function openTestLog(
  databaseUrl: string,
  { settings, ...options }: Omit<AuditLogOptions, 'databaseUrl'> = {},
): Promise<AuditLog> {
  return createAuditLog({
    databaseUrl,
    dataDir: dataDirOf(databaseUrl),
    log: pino({ level: 'silent' }),
    settings: { META_AUDIT: 'none', ...settings },
    ...options,
  });
}
