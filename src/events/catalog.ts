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
