import type { JsonObject } from '../events/fields.ts';
import {
  type AuditOutcome,
  type AuditSeverity,
  type MappedRecord,
  moreSevere,
  toEventInput,
} from './event-input.ts';
import { firstText, textAt, uuidAt, valueAt } from './json-values.ts';
import { eventKindOf } from './meanings.ts';
import { OKTA_TYPES } from './okta-event-types.ts';

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

/**
 * Maps one Okta System Log record (the LogEvent object of Okta's System Log API) to an event. The record needs an
 * `eventType` in the catalogue. Okta's log does not name the organisation, so there is no customerId.
 */
export function mapOkta(record: JsonObject): MappedRecord {
  const action = textAt(record, 'eventType');
  if (action === undefined) return { unmapped: 'no eventType: nothing says what happened' };
  const found = OKTA_TYPES.find(action);
  if (found === undefined)
    return { unmapped: `no meaning is known for the event type ${action.slice(0, 80)}` };
  const result = textAt(record, 'outcome.result');
  const { eventType, outcome, severity } = eventKindOf(found.meaning, outcomeOfOkta(result));
  const userId = known(record, ['actor.alternateId', 'actor.id', 'actor.displayName']);
  const address = firstText(record, ['client.ipAddress', 'request.ipChain.0.ip']);
  const input = toEventInput({
    eventType,
    outcome,
    severity: severityOfOkta({ result, level: textAt(record, 'severity'), severity }),
    action,
    description: describe(record, userId, address),
    time: valueAt(record, 'published') ?? valueAt(record, 'p_event_time'),
    address,
    userId,
    sessionId: known(record, ['authenticationContext.externalSessionId']),
    userAgent: textAt(record, 'client.userAgent.rawUserAgent'),
    requestId: known(record, ['debugContext.debugData.requestId', 'transaction.id']),
    resourceType: textAt(record, 'target.0.type'),
    resourceId: known(record, ['target.0.id', 'target.0.alternateId', 'target.0.displayName']),
    details: { format: 'okta', meaning: found.meaning, record },
  });
  return { input, sourceId: uuidAt(record, 'uuid') };
}

/**
 * The outcome of Okta's `outcome.result`. CHALLENGE is DENIED: this event does not grant access, the event of the
 * answered challenge does. A record without a result is SUCCESS.
 */
function outcomeOfOkta(result: string | undefined): AuditOutcome {
  return result === undefined ? 'SUCCESS' : (OUTCOMES[result.toUpperCase()] ?? 'ERROR');
}

/**
 * Okta's severity, raised to that of the meaning: Okta gives INFO to a failed sign-in and to the grant of an
 * administrator's role. A challenge is a regular step of a sign-in and keeps Okta's severity.
 */
function severityOfOkta(event: {
  result: string | undefined;
  level: string | undefined;
  severity: AuditSeverity;
}): AuditSeverity {
  const own = SEVERITIES[event.level?.toUpperCase() ?? ''] ?? 'INFO';
  return event.result?.toUpperCase() === 'CHALLENGE' ? own : moreSevere(own, event.severity);
}

/** The first text that is not `unknown`, Okta's placeholder. */
function known(record: JsonObject, paths: readonly string[]): string | undefined {
  return paths.map((path) => textAt(record, path)).find((text) => text !== undefined && text !== 'unknown');
}

function describe(record: JsonObject, userId: string | undefined, address: string | undefined): string {
  const what = firstText(record, ['displayMessage', 'eventType']) ?? '';
  const who = userId === undefined ? '' : ` by ${userId}`;
  const where = address === undefined ? '' : ` from ${address}`;
  const target = known(record, ['target.0.alternateId', 'target.0.displayName', 'target.0.id']);
  const onWhat = target === undefined || target === userId ? '' : `, on ${target}`;
  const end = ['outcome.result', 'outcome.reason'].map((path) => textAt(record, path)).filter((text) => text);
  return `${what}${who}${where}${onWhat}${end.length === 0 ? '' : `: ${end.join(', ')}`}`;
}
