import { type AuditOutcome, type AuditSeverity, atLeast, type BuiltInEventType } from './input.ts';

/** What an event of one meaning is in the log. */
interface Meaning {
  /** The type of an event that succeeded. */
  type: BuiltInEventType;
  /** The type when the record says that it was refused or failed; absent: the same type. */
  refused?: BuiltInEventType;
  /** The least severity. It follows from what the change does to access: more access, or less protection, is WARNING. */
  severity: AuditSeverity;
  /** The outcome when the record says SUCCESS: a refusal that was carried out is still a refusal. */
  outcome?: AuditOutcome;
}

/**
 * What the importer tells apart. The catalogues (okta-types.ts, github-actions.ts, cloudtrail-calls.ts) give each
 * name one of these meanings, and this table alone says what a meaning becomes. Each imported event has its meaning
 * in `details.meaning`.
 */
export const MEANINGS = {
  // Signing in and out
  login: { type: 'AUTH_LOGIN', refused: 'AUTH_LOGIN_FAILED', severity: 'INFO' },
  'login-unusual': { type: 'AUTH_LOGIN', refused: 'AUTH_LOGIN_FAILED', severity: 'WARNING' },
  'login-failed': { type: 'AUTH_LOGIN_FAILED', severity: 'WARNING', outcome: 'FAILURE' },
  'login-refused': { type: 'AUTH_LOGIN_FAILED', severity: 'WARNING', outcome: 'DENIED' },
  logout: { type: 'AUTH_LOGOUT', severity: 'INFO' },
  'session-requested': { type: 'DATA_CREATE', refused: 'AUTHZ_PERMISSION_DENIED', severity: 'INFO' },
  'session-started': { type: 'AUTH_SESSION_CREATED', refused: 'AUTH_LOGIN_FAILED', severity: 'INFO' },
  'privileged-session': {
    type: 'AUTH_SESSION_CREATED',
    refused: 'AUTH_LOGIN_FAILED',
    severity: 'WARNING',
  },
  'role-assumed': { type: 'AUTH_SESSION_CREATED', refused: 'AUTHZ_PERMISSION_DENIED', severity: 'INFO' },
  'session-revoked': { type: 'AUTH_SESSION_REVOKED', severity: 'INFO' },
  // Passwords and second factors
  'password-changed': { type: 'AUTH_PASSWORD_CHANGE', severity: 'INFO' },
  'password-reset': { type: 'AUTH_PASSWORD_RESET', severity: 'INFO' },
  'password-reset-requested': { type: 'DATA_CREATE', severity: 'INFO' },
  'challenge-sent': { type: 'DATA_CREATE', severity: 'INFO' },
  'factor-verified': { type: 'AUTH_MFA_VERIFIED', refused: 'AUTH_LOGIN_FAILED', severity: 'INFO' },
  'factor-added': { type: 'AUTH_MFA_ENABLED', severity: 'INFO' },
  'factor-removed': { type: 'AUTH_MFA_DISABLED', severity: 'WARNING' },
  // Who may do what
  granted: { type: 'AUTHZ_PERMISSION_GRANTED', severity: 'WARNING' },
  revoked: { type: 'AUTHZ_ROLE_REVOKED', severity: 'INFO' },
  'role-assigned': { type: 'AUTHZ_ROLE_ASSIGNED', severity: 'WARNING' },
  'role-changed': { type: 'AUTHZ_ROLE_ASSIGNED', severity: 'WARNING' },
  'role-revoked': { type: 'AUTHZ_ROLE_REVOKED', severity: 'INFO' },
  'access-changed': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  'access-widened': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  'access-narrowed': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'access-allowed': {
    type: 'AUTHZ_PERMISSION_GRANTED',
    refused: 'AUTHZ_PERMISSION_DENIED',
    severity: 'INFO',
  },
  'access-denied': { type: 'AUTHZ_PERMISSION_DENIED', severity: 'WARNING', outcome: 'DENIED' },
  'access-requested': { type: 'DATA_CREATE', severity: 'INFO' },
  'request-approved': { type: 'AUTHZ_PERMISSION_GRANTED', severity: 'WARNING' },
  'request-refused': { type: 'AUTHZ_PERMISSION_DENIED', severity: 'INFO', outcome: 'DENIED' },
  'request-ended': { type: 'DATA_UPDATE', severity: 'INFO' },
  'account-suspended': { type: 'DATA_UPDATE', severity: 'INFO' },
  'account-restored': { type: 'DATA_UPDATE', severity: 'WARNING' },
  'account-created': { type: 'DATA_CREATE', severity: 'WARNING' },
  // Keys, tokens and secrets
  'credential-created': { type: 'DATA_CREATE', severity: 'WARNING' },
  'credential-changed': { type: 'DATA_UPDATE', severity: 'INFO' },
  'credential-removed': { type: 'DATA_DELETE', severity: 'INFO' },
  'secret-read': { type: 'DATA_READ', severity: 'WARNING' },
  // What protects and what watches
  'protection-on': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'protection-off': { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'protection-bypassed': { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'guard-off': { type: 'SECURITY_ALERT', severity: 'ERROR' },
  'logging-on': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'logging-off': { type: 'SECURITY_ALERT', severity: 'ERROR' },
  'policy-added': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'policy-changed': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  'policy-removed': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  'ip-allowed': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  'ip-disallowed': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'hook-added': { type: 'CONFIG_CHANGED', severity: 'WARNING' },
  // What was noticed
  'threat-detected': { type: 'SECURITY_THREAT_DETECTED', severity: 'WARNING' },
  alert: { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'ip-blocked': { type: 'SECURITY_IP_BLOCKED', severity: 'WARNING', outcome: 'DENIED' },
  'rate-limited': { type: 'SECURITY_RATE_LIMITED', severity: 'WARNING' },
  'finding-reopened': { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'finding-updated': { type: 'DATA_UPDATE', severity: 'INFO' },
  'finding-dismissed': { type: 'DATA_UPDATE', severity: 'WARNING' },
  'finding-closed': { type: 'DATA_UPDATE', severity: 'INFO' },
  // Settings without an effect on access
  'setting-on': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'setting-off': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'setting-changed': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  preference: { type: 'SETTINGS_UPDATED', severity: 'INFO' },
  // Everything else that happens to data and systems
  read: { type: 'DATA_READ', severity: 'INFO' },
  created: { type: 'DATA_CREATE', severity: 'INFO' },
  updated: { type: 'DATA_UPDATE', severity: 'INFO' },
  deleted: { type: 'DATA_DELETE', severity: 'INFO' },
  destroyed: { type: 'DATA_DELETE', severity: 'WARNING' },
  exported: { type: 'DATA_EXPORT', severity: 'INFO' },
  imported: { type: 'DATA_IMPORT', severity: 'INFO' },
  'command-run': { type: 'DATA_UPDATE', severity: 'WARNING' },
  'message-sent': { type: 'DATA_CREATE', severity: 'INFO' },
  started: { type: 'SYSTEM_STARTUP', severity: 'INFO' },
  stopped: { type: 'SYSTEM_SHUTDOWN', severity: 'INFO' },
  failed: { type: 'SYSTEM_ERROR', severity: 'WARNING', outcome: 'ERROR' },
  // No catalogue knows the name, and the record itself says no more than this
  'unknown-read': { type: 'DATA_READ', severity: 'INFO' },
  'unknown-change': { type: 'DATA_UPDATE', severity: 'INFO' },
} as const satisfies Record<string, Meaning>;

export type MeaningName = keyof typeof MEANINGS;

/** The event type, outcome and severity of a record with this meaning, whose source reports `outcome`. */
export function resultOf(
  name: MeaningName,
  outcome: AuditOutcome,
): { eventType: BuiltInEventType; outcome: AuditOutcome; severity: AuditSeverity } {
  const meaning: Meaning = MEANINGS[name];
  const said = outcome === 'SUCCESS' ? (meaning.outcome ?? 'SUCCESS') : outcome;
  const eventType = said === 'SUCCESS' ? meaning.type : (meaning.refused ?? refusedGrant(meaning.type, said));
  return { eventType, outcome: said, severity: severityOf(meaning, eventType, said) };
}

/** A grant that was refused gave nobody anything. */
function refusedGrant(type: BuiltInEventType, outcome: AuditOutcome): BuiltInEventType {
  const grant = type === 'AUTHZ_PERMISSION_GRANTED' || type === 'AUTHZ_ROLE_ASSIGNED';
  return grant && outcome === 'DENIED' ? 'AUTHZ_PERMISSION_DENIED' : type;
}

/** What was refused or failed changed nothing: it is a WARNING at most, and at least one when it was an attempt. */
function severityOf(meaning: Meaning, eventType: BuiltInEventType, outcome: AuditOutcome): AuditSeverity {
  if (outcome === 'SUCCESS' || outcome === meaning.outcome) return meaning.severity;
  const severity = meaning.severity === 'ERROR' ? 'WARNING' : meaning.severity;
  const attempt = outcome === 'DENIED' || eventType === 'AUTH_LOGIN_FAILED';
  return attempt ? atLeast(severity, 'WARNING') : severity;
}
