import { type EVENT_TYPES, type Outcome, SEVERITIES, type Severity } from '../../events/catalog.ts';
import type { JsonObject } from '../../events/event.ts';

type EnumName<Dotted extends string> = Dotted extends `${infer Head}.${infer Tail}`
  ? `${Uppercase<Head>}_${Uppercase<Tail>}`
  : never;

/** The event types that every deployment has, by their GraphQL names. */
export type BuiltInEventType = EnumName<(typeof EVENT_TYPES)[number]>;
export type AuditOutcome = Uppercase<Outcome>;
export type AuditSeverity = Uppercase<Severity>;

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

/** The more severe of two severities. */
export function atLeast(one: AuditSeverity, other: AuditSeverity): AuditSeverity {
  return rankOf(one) >= rankOf(other) ? one : other;
}

function rankOf(severity: AuditSeverity): number {
  return SEVERITIES.indexOf(severity.toLowerCase() as Severity);
}
