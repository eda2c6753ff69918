import type { AuditLog } from './library/audit-log.ts';
import type { AuditLogOptions } from './library/options.ts';
import type { AuditService, AuditServiceOptions } from './service.ts';

export type { Scope } from './auth/principal-and-scopes.ts';
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

// The functions below load their modules at the first call: loading takes most of a second, and some libraries define names on
// `globalThis`, which a mere import of this module should not do.

/**
 * Opens an audit log in this process, on a PostgreSQL (`databaseUrl`) or on an embedded one under `dataDir`. It does not
 * listen on a port and does not read the environment. Throws when the database cannot be used.
 */
export async function createAuditLog(options: AuditLogOptions = {}): Promise<AuditLog> {
  const library = await import('./library/create.ts');
  return library.createAuditLog(options);
}

/**
 * The audit log of this process, opened on first use with the settings of the environment (`DATABASE_URL`, `DATA_DIR` and the
 * others of `.env.example`). Every caller gets the same one until it is closed.
 */
export async function getAuditLog(): Promise<AuditLog> {
  const library = await import('./library/create.ts');
  return library.getAuditLog();
}

/** Opens the log in this process and serves it. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const service = await import('./service.ts');
  return service.createAuditService(options);
}
