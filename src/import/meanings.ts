import { type AuditOutcome, type AuditSeverity, type BuiltInEventType, moreSevere } from './event-input.ts';

/** The event of one meaning. */
interface Meaning {
  /** The type of a success. */
  type: BuiltInEventType;
  /** The type of a refusal or failure; absent: `type`. */
  refused?: BuiltInEventType;
  /** The lowest severity. A change that gives more access or less protection is WARNING. */
  severity: AuditSeverity;
  /** The outcome when the record says SUCCESS. For example, a successful block of an address is DENIED. */
  outcome?: AuditOutcome;
}

/**
 * The meanings of imported records. The catalogues (okta-event-types.ts, github-actions.ts, cloudtrail-calls.ts) assign
 * one to each name of a source, and this table gives its event. `details.meaning` of each imported event has it.
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
  // Permissions and accounts
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
  // Protection and monitoring
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
  // Detections and findings
  'threat-detected': { type: 'SECURITY_THREAT_DETECTED', severity: 'WARNING' },
  alert: { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'ip-blocked': { type: 'SECURITY_IP_BLOCKED', severity: 'WARNING', outcome: 'DENIED' },
  'rate-limited': { type: 'SECURITY_RATE_LIMITED', severity: 'WARNING' },
  'finding-reopened': { type: 'SECURITY_ALERT', severity: 'WARNING' },
  'finding-updated': { type: 'DATA_UPDATE', severity: 'INFO' },
  'finding-dismissed': { type: 'DATA_UPDATE', severity: 'WARNING' },
  'finding-closed': { type: 'DATA_UPDATE', severity: 'INFO' },
  // Settings that do not affect access
  'setting-on': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'setting-off': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  'setting-changed': { type: 'CONFIG_CHANGED', severity: 'INFO' },
  preference: { type: 'SETTINGS_UPDATED', severity: 'INFO' },
  // Other activity of data and systems
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
  // Names that are in no catalogue, by the record's own flag for reads and changes
  'unknown-read': { type: 'DATA_READ', severity: 'INFO' },
  'unknown-change': { type: 'DATA_UPDATE', severity: 'INFO' },
} as const satisfies Record<string, Meaning>;

export type MeaningName = keyof typeof MEANINGS;

/** The event type, outcome and severity of a meaning, for a record whose source reports `outcome`. */
export function eventKindOf(
  name: MeaningName,
  outcome: AuditOutcome,
): { eventType: BuiltInEventType; outcome: AuditOutcome; severity: AuditSeverity } {
  const meaning: Meaning = MEANINGS[name];
  const effective = outcome === 'SUCCESS' ? (meaning.outcome ?? 'SUCCESS') : outcome;
  const eventType =
    effective === 'SUCCESS' ? meaning.type : (meaning.refused ?? refusedGrant(meaning.type, effective));
  return { eventType, outcome: effective, severity: severityOf(meaning, eventType, effective) };
}

/** A refused grant is a denied permission. */
function refusedGrant(type: BuiltInEventType, outcome: AuditOutcome): BuiltInEventType {
  const grant = type === 'AUTHZ_PERMISSION_GRANTED' || type === 'AUTHZ_ROLE_ASSIGNED';
  return grant && outcome === 'DENIED' ? 'AUTHZ_PERMISSION_DENIED' : type;
}

/** A refusal or failure changed nothing, so it is WARNING at most; a refusal and a failed sign-in are WARNING. */
function severityOf(meaning: Meaning, eventType: BuiltInEventType, outcome: AuditOutcome): AuditSeverity {
  if (outcome === 'SUCCESS' || outcome === meaning.outcome) return meaning.severity;
  const severity = meaning.severity === 'ERROR' ? 'WARNING' : meaning.severity;
  const attempt = outcome === 'DENIED' || eventType === 'AUTH_LOGIN_FAILED';
  return attempt ? moreSevere(severity, 'WARNING') : severity;
}

/**
 * The meanings of the published names of a source. `rules` are patterns, in which `*` stands for any characters, also
 * none and dots; `names` are whole names, the exceptions. Both are lists separated by white space. Their order has no
 * effect: a whole name takes precedence over patterns, and of several matching patterns the one with the most characters
 * besides `*`. When such patterns of the same length disagree, the name has no meaning.
 */
export type CatalogueTable = { [Name in MeaningName]?: { rules?: string; names?: string } };

export interface Catalogue {
  /** The meaning of `name`, and the entry that gives it; undefined: no entry matches. */
  find(name: string): { meaning: MeaningName; by: 'name' | 'rule'; pattern: string } | undefined;
  /** All entries of the table, for tests. */
  entries: readonly { meaning: MeaningName; by: 'name' | 'rule'; pattern: string }[];
}

interface Rule {
  meaning: MeaningName;
  by: 'rule';
  pattern: string;
  literal: number;
  fits(name: string): boolean;
}

/** No published name is longer. Bounds the cost of matching a hostile name. */
const MAX_NAME = 200;
const MAX_DECIDED = 10_000;

export function createCatalogue(table: CatalogueTable): Catalogue {
  const names = new Map<string, { meaning: MeaningName; by: 'name'; pattern: string }>();
  const rules: Rule[] = [];
  for (const [key, lists] of Object.entries(table)) {
    const meaning = key as MeaningName;
    for (const pattern of wordsOf(lists.names)) names.set(pattern, { meaning, by: 'name', pattern });
    for (const pattern of wordsOf(lists.rules)) rules.push(ruleOf(meaning, pattern));
  }
  rules.sort((one, other) => other.literal - one.literal);
  const decided = new Map<string, Rule | undefined>();
  const find = (name: string) => {
    if (name.length > MAX_NAME) return undefined;
    const known = names.get(name);
    if (known !== undefined) return known;
    // A log has few different names: the result of each is kept.
    if (decided.has(name)) return decided.get(name);
    if (decided.size >= MAX_DECIDED) decided.clear();
    const rule = decidingRule(rules, name);
    decided.set(name, rule);
    return rule;
  };
  return { find, entries: [...names.values(), ...rules] };
}

function decidingRule(rules: readonly Rule[], name: string): Rule | undefined {
  const best = rules.find((rule) => rule.fits(name));
  if (best === undefined) return undefined;
  const disagrees = rules.some(
    (rule) => rule.literal === best.literal && rule.meaning !== best.meaning && rule.fits(name),
  );
  return disagrees ? undefined : best;
}

function wordsOf(list: string | undefined): string[] {
  return list?.split(/\s+/).filter((word) => word !== '') ?? [];
}

function ruleOf(meaning: MeaningName, pattern: string): Rule {
  const literal = pattern.replaceAll('*', '').length;
  return { meaning, by: 'rule', pattern, literal, fits: matcherOf(pattern.split('*')) };
}

/** Whether a name consists of these parts with any characters between them. Linear: no backtracking. */
function matcherOf(parts: readonly string[]): (name: string) => boolean {
  const [first = '', ...middle] = parts;
  const last = middle.pop() ?? '';
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let position = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, position);
      if (found < 0) return false;
      position = found + part.length;
    }
    return position + last.length <= name.length;
  };
}
