import type { EVENT_TYPES, Outcome, Severity } from './catalog.ts';

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
