/** A JSON object as a source record or an event's details hold it. */
export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** The event types that every deployment has, by their GraphQL names. */
export type BuiltInEventType =
  | 'AUTH_LOGIN'
  | 'AUTH_LOGOUT'
  | 'AUTH_LOGIN_FAILED'
  | 'AUTH_PASSWORD_CHANGE'
  | 'AUTH_PASSWORD_RESET'
  | 'AUTH_MFA_ENABLED'
  | 'AUTH_MFA_DISABLED'
  | 'AUTH_MFA_VERIFIED'
  | 'AUTH_SESSION_CREATED'
  | 'AUTH_SESSION_REVOKED'
  | 'AUTHZ_PERMISSION_GRANTED'
  | 'AUTHZ_PERMISSION_DENIED'
  | 'AUTHZ_ROLE_ASSIGNED'
  | 'AUTHZ_ROLE_REVOKED'
  | 'DATA_READ'
  | 'DATA_CREATE'
  | 'DATA_UPDATE'
  | 'DATA_DELETE'
  | 'DATA_EXPORT'
  | 'DATA_IMPORT'
  | 'CONFIG_CHANGED'
  | 'SETTINGS_UPDATED'
  | 'SECURITY_ALERT'
  | 'SECURITY_THREAT_DETECTED'
  | 'SECURITY_IP_BLOCKED'
  | 'SECURITY_RATE_LIMITED'
  | 'SYSTEM_STARTUP'
  | 'SYSTEM_SHUTDOWN'
  | 'SYSTEM_ERROR';

export type AuditOutcome = 'SUCCESS' | 'FAILURE' | 'ERROR' | 'DENIED';
export type AuditSeverity = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** The input of `logEvents`, as the public GraphQL contract has it. */
export interface LogEventInput {
  idempotencyKey?: string;
  /** RFC 3339; absent: the time of receipt. */
  timestamp?: string;
  /** A built-in type, or one that the deployment adds. */
  eventType: string;
  outcome?: AuditOutcome;
  severity?: AuditSeverity;
  userId?: string;
  customerId?: string;
  sessionId?: string;
  ipAddress?: string;
  userAgent?: string;
  requestId?: string;
  resourceType?: string;
  resourceId?: string;
  action?: string;
  description?: string;
  details?: JsonObject;
  oldValues?: JsonObject;
  newValues?: JsonObject;
}

/**
 * What a mapper makes of one source record: an event, or the reason why it is none. `sourceId` is the record's own
 * id where the source promises that no two events share it: two equal records that carry one are the same event.
 */
export type Mapped = { input: LogEventInput; sourceId?: string | undefined } | { unmapped: string };

const RISING: readonly AuditSeverity[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/** The more severe of two severities. */
export function atLeast(one: AuditSeverity, other: AuditSeverity): AuditSeverity {
  return RISING.indexOf(one) >= RISING.indexOf(other) ? one : other;
}
