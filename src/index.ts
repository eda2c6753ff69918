export type { Scope } from './access/scopes.ts';
export { type Config, readConfig } from './config.ts';
export { AuditError, AuditErrors, ERROR_CODES, type ErrorCode } from './errors.ts';
export { EVENT_TYPES, OUTCOMES, type Outcome, SEVERITIES, type Severity } from './events/catalog.ts';
export type { EventDraft, JsonObject, JsonValue } from './events/event.ts';
export { AuditEvent, type AuditEventRecord, type AuditEventType } from './library/audit-event.ts';
export type * from './library/audit-log.ts';
export { createAuditLog, getAuditLog } from './library/create.ts';
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
export type { Principal } from './library/principal.ts';
export type { EventFilterFunction, Extensions } from './pipeline/extensions.ts';
export type { EventHandler } from './pipeline/handlers.ts';
export { type AuditService, type AuditServiceOptions, createAuditService } from './service.ts';
