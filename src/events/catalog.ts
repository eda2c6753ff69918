/** The four ways an event can end. */
export const OUTCOMES = ['success', 'failure', 'error', 'denied'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The five severities in rising order. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The built-in event types: what is stored, exported and matched. */
export const EVENT_TYPES = [
  'auth.login',
  'auth.logout',
  'auth.login_failed',
  'auth.password_change',
  'auth.password_reset',
  'auth.mfa_enabled',
  'auth.mfa_disabled',
  'auth.mfa_verified',
  'auth.session_created',
  'auth.session_revoked',
  'authz.permission_granted',
  'authz.permission_denied',
  'authz.role_assigned',
  'authz.role_revoked',
  'data.read',
  'data.create',
  'data.update',
  'data.delete',
  'data.export',
  'data.import',
  'config.changed',
  'settings.updated',
  'security.alert',
  'security.threat_detected',
  'security.ip_blocked',
  'security.rate_limited',
  'system.startup',
  'system.shutdown',
  'system.error',
] as const;

/** The GraphQL enum name of a dotted type: `auth.login_failed` is AUTH_LOGIN_FAILED. */
export function enumName(dotted: string): string {
  return dotted.replaceAll('.', '_').toUpperCase();
}

/** The severities from `least` upwards. */
export function severitiesFrom(least: Severity): Severity[] {
  return SEVERITIES.slice(SEVERITIES.indexOf(least));
}

/** The part of a dotted type before the first dot: `auth.login_failed` is of category `auth`. */
export function categoryOf(eventType: string): string {
  const dot = eventType.indexOf('.');
  return dot < 0 ? eventType : eventType.slice(0, dot);
}

/** The event types of a deployment. */
export interface Catalog {
  readonly eventTypes: readonly string[];
  /** The types that are not built in. */
  readonly customTypes: readonly string[];
}

/** The built-in types and those of the deployment. Throws when two would share an enum name. */
export function createCatalog(customTypes: readonly string[]): Catalog {
  const eventTypes = [...EVENT_TYPES, ...customTypes];
  const names = new Set(eventTypes.map(enumName));
  if (names.size !== eventTypes.length) throw new Error('EVENT_TYPES: two event types would have one name');
  return { eventTypes, customTypes };
}

/** What each built-in event type says. */
export const EVENT_TYPE_DESCRIPTIONS: Record<(typeof EVENT_TYPES)[number], string> = {
  'auth.login': 'Somebody signed in.',
  'auth.logout': 'Somebody signed out.',
  'auth.login_failed': 'A sign-in was refused.',
  'auth.password_change': 'A user changed the own password.',
  'auth.password_reset': 'A password was reset.',
  'auth.mfa_enabled': 'A second factor was added.',
  'auth.mfa_disabled': 'A second factor was removed.',
  'auth.mfa_verified': 'A second factor was presented and accepted.',
  'auth.session_created': 'A session began.',
  'auth.session_revoked': 'A session was ended by somebody else or by a rule.',
  'authz.permission_granted': 'A permission was given.',
  'authz.permission_denied': 'An action was refused for lack of a permission.',
  'authz.role_assigned': 'A role was given.',
  'authz.role_revoked': 'A role was taken away.',
  'data.read': 'Data was read.',
  'data.create': 'Data was created.',
  'data.update': 'Data was changed.',
  'data.delete': 'Data was deleted.',
  'data.export': 'Data was exported.',
  'data.import': 'Data was imported.',
  'config.changed': 'The configuration of a system was changed.',
  'settings.updated': 'The settings of a user or an account were changed.',
  'security.alert': 'Something suspicious was reported.',
  'security.threat_detected': 'A threat was detected.',
  'security.ip_blocked': 'An address was blocked.',
  'security.rate_limited': 'A client exceeded its rate limit.',
  'system.startup': 'A service started.',
  'system.shutdown': 'A service stopped.',
  'system.error': 'A system failed.',
};

/** What each outcome says. */
export const OUTCOME_DESCRIPTIONS: Record<Outcome, string> = {
  success: 'It was done.',
  failure: 'It was tried and did not succeed, such as a wrong password.',
  error: 'It ended in an error of the system.',
  denied: 'It was not allowed.',
};

/** What each severity says. */
export const SEVERITY_DESCRIPTIONS: Record<Severity, string> = {
  debug: 'Of interest to developers only.',
  info: 'Ordinary activity.',
  warning: 'Worth a look.',
  error: 'Something failed that should not.',
  critical: 'Needs somebody now.',
};
