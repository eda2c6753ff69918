import type { AuditLog } from './library/audit-log.ts';
import type { AuditLogOptions } from './library/options.ts';
import type { AuditService, AuditServiceOptions } from './service.ts';

export type { Scope } from './auth/principal.ts';
export { type Config, readConfig } from './config.ts';
export { AuditError, AuditErrors, ERROR_CODES, type ErrorCode } from './errors.ts';
export { EVENT_TYPES, OUTCOMES, type Outcome, SEVERITIES, type Severity } from './events/catalog.ts';
export type { EventDraft, JsonObject, JsonValue } from './events/fields.ts';
export { AuditEvent, type AuditEventRecord, type AuditEventType } from './library/audit-event.ts';
export type * from './library/audit-log.ts';
export type { PrincipalInput as Principal } from './library/calls.ts';
export type { AuditFilter } from './library/filters.ts';
export type {
  AuthEvent,
  DataAction,
  DataEvent,
  EventContext,
  LogEvent,
  SecurityEvent,
  Time,
} from './library/inputs.ts';
export type { AuditLogOptions, Settings } from './library/options.ts';
export type { EventFilterFunction, Extensions } from './log/append/extensions.ts';
export type { EventHandler } from './log/append/handlers.ts';
export type { AuditService, AuditServiceOptions } from './service.ts';

// What follows is loaded when it is first called: it takes the better part of a second, and libraries in it put names of
// theirs on `globalThis`, which an import alone should not.

/**
 * Opens an audit log in this process, on a PostgreSQL (`databaseUrl`) or on an embedded one under `dataDir`. It listens on
 * no port and reads no environment. Throws when the database cannot be used.
 */
export async function createAuditLog(options: AuditLogOptions = {}): Promise<AuditLog> {
  const library = await import('./library/create.ts');
  return library.createAuditLog(options);
}

/**
 * The audit log of this process, opened on first use as the environment says (`DATABASE_URL`, `DATA_DIR` and the others of
 * `.env.example`). The same for every caller until it is closed.
 */
export async function getAuditLog(): Promise<AuditLog> {
  const library = await import('./library/create.ts');
  return library.getAuditLog();
}

/** Opens the log in this process and starts to serve it. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const service = await import('./service.ts');
  return service.createAuditService(options);
}
