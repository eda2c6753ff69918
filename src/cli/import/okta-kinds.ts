import { type AuditOutcome, type AuditSeverity, atLeast, type BuiltInEventType } from './input.ts';

const OUTCOMES: Record<string, AuditOutcome> = {
  SUCCESS: 'SUCCESS',
  ALLOW: 'SUCCESS',
  SCHEDULED: 'SUCCESS',
  DEFERRED: 'SUCCESS',
  FAILURE: 'FAILURE',
  SKIPPED: 'FAILURE',
  ABANDONED: 'FAILURE',
  UNANSWERED: 'FAILURE',
  UNKNOWN: 'ERROR',
  DENY: 'DENIED',
  REJECTED: 'DENIED',
  RATE_LIMIT: 'DENIED',
  CHALLENGE: 'DENIED',
};

/**
 * The outcome of Okta's `outcome.result`. CHALLENGE is DENIED: with this event access was not given; the event of
 * the step that answers the challenge gives it. A record without a result reports something done: SUCCESS.
 */
export function outcomeOfOkta(result: string | undefined): AuditOutcome {
  return result === undefined ? 'SUCCESS' : (OUTCOMES[result.toUpperCase()] ?? 'ERROR');
}

/** Event types by family: the first pattern that fits; the second type is for an event that did not succeed. */
const KINDS: readonly (readonly [RegExp, BuiltInEventType, BuiltInEventType?])[] = [
  [/rate_limit/, 'SECURITY_RATE_LIMITED'],
  [/^security\.request\.blocked|^security\.(ip|zone)\..*block/, 'SECURITY_IP_BLOCKED'],
  [
    /^security\.(threat|attack|breached)|detect_reuse|^app\.token\.reuse|suspicious_activity|^user\.risk\.detect|credential_leak/,
    'SECURITY_THREAT_DETECTED',
  ],
  [/^user\.account\.lock/, 'SECURITY_ALERT'],
  [/unauth_app_access_attempt|access_denied/, 'AUTHZ_PERMISSION_DENIED'],
  [/^policy\.evaluate/, 'AUTHZ_PERMISSION_GRANTED', 'AUTHZ_PERMISSION_DENIED'],
  [/^user\.session\.impersonation\.(grant|extend)/, 'AUTHZ_PERMISSION_GRANTED'],
  [
    /^user\.session\.impersonation\.initiate|^user\.session\.access_admin_app/,
    'AUTH_SESSION_CREATED',
    'AUTH_LOGIN_FAILED',
  ],
  [/^user\.session\.start/, 'AUTH_LOGIN', 'AUTH_LOGIN_FAILED'],
  [/^user\.session\.end|^user\.authentication\.slo/, 'AUTH_LOGOUT'],
  [/^user\.session\.|^app\.oauth2\..*revoke/, 'AUTH_SESSION_REVOKED'],
  [
    /^user\.authentication\.sso|^app\.oauth2\..*(authorize|token\.grant)/,
    'AUTH_SESSION_CREATED',
    'AUTH_LOGIN_FAILED',
  ],
  [/^user\.authentication\.(auth_via_mfa|verify)|mfa.*verif/, 'AUTH_MFA_VERIFIED', 'AUTH_LOGIN_FAILED'],
  [/^user\.mfa\.(attempt_bypass|okta_verify\.deny_push)/, 'AUTH_LOGIN_FAILED'],
  [/mfa\.factor\.(deactivate|unenroll|suspend|reset)|mfa.*(disable|delete)/, 'AUTH_MFA_DISABLED'],
  [/mfa\.factor\.(activate|enroll|unsuspend)|mfa.*(enable|create)/, 'AUTH_MFA_ENABLED'],
  [/^user\.authentication\./, 'AUTH_LOGIN', 'AUTH_LOGIN_FAILED'],
  [/(update|change)_(secondary_)?password/, 'AUTH_PASSWORD_CHANGE'],
  [/(reset|expire|forgot)_password|password_reset/, 'AUTH_PASSWORD_RESET'],
  [
    /privilege\.grant|(user_membership|application_assignment|role\.assignment|resource_set\.binding)\.(add|provision)|^iam\..*(bind|assign|member\.add)/,
    'AUTHZ_ROLE_ASSIGNED',
  ],
  [
    /privilege\.revoke|(user_membership|application_assignment|role\.assignment)\.(remove|deprovision)|^iam\..*(unbind|unassign|member\.remove)/,
    'AUTHZ_ROLE_REVOKED',
  ],
  [/^app\.oauth2\.as\.consent\.grant|\.consent\.grant/, 'AUTHZ_PERMISSION_GRANTED'],
  [/export|\.download/, 'DATA_EXPORT'],
  [/import/, 'DATA_IMPORT'],
  [/show_password|\.(read|view|list|get)(_|$|\.)|\.read_/, 'DATA_READ'],
  [/^(policy|zone|org|network_zone|device\.signals|security)\./, 'CONFIG_CHANGED'],
  [
    /^application\.(lifecycle|configuration|policy|provision)|^system\.idp|^system\.(org|feature|email|sms|brand|custom|agent|import|log_stream|theme)/,
    'CONFIG_CHANGED',
  ],
  [/\.(create|add|issue|register)(_|$|\.)/, 'DATA_CREATE'],
  [/\.(delete|remove|destroy|revoke)(_|$|\.)/, 'DATA_DELETE'],
  [/^system\./, 'CONFIG_CHANGED'],
];

/** The event type of an Okta `eventType`; what is in no family is an update of something. */
export function kindOfOkta(action: string, outcome: AuditOutcome): BuiltInEventType {
  const kind = KINDS.find(([pattern]) => pattern.test(action));
  if (kind === undefined) return 'DATA_UPDATE';
  const [, done, notDone] = kind;
  return outcome === 'SUCCESS' ? done : (notDone ?? done);
}

const SEVERITIES: Record<string, AuditSeverity> = {
  DEBUG: 'DEBUG',
  INFO: 'INFO',
  WARN: 'WARNING',
  WARNING: 'WARNING',
  ERROR: 'ERROR',
  HIGH: 'ERROR',
  FATAL: 'CRITICAL',
  CRITICAL: 'CRITICAL',
};

const WARNING_KINDS =
  /^(SECURITY_|AUTH_LOGIN_FAILED|AUTH_MFA_DISABLED|AUTHZ_PERMISSION_GRANTED|AUTHZ_ROLE_ASSIGNED)/;
const WARNING_ACTIONS = /impersonation|api_token|show_password|^system\.idp|mfa\.factor\.reset/;

/**
 * Okta's own severity, raised where the event deserves a look whatever Okta thinks: Okta gives INFO to a failed
 * sign-in and to the grant of an administrator's role.
 */
export function severityOfOkta(event: {
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  action: string;
  result: string | undefined;
  level: string | undefined;
}): AuditSeverity {
  const own = SEVERITIES[event.level?.toUpperCase() ?? ''] ?? 'INFO';
  // A challenge, and a policy that allows, are the ordinary course of every sign-in.
  if (
    event.result === 'CHALLENGE' ||
    (event.action.startsWith('policy.evaluate') && event.outcome === 'SUCCESS')
  ) {
    return own;
  }
  const raised =
    WARNING_KINDS.test(event.eventType) || WARNING_ACTIONS.test(event.action) || event.outcome === 'DENIED';
  return raised ? atLeast(own, 'WARNING') : own;
}
