import { eventOf } from './draft.ts';
import type { JsonObject, Mapped } from './input.ts';
import { kindOfOkta, outcomeOfOkta, severityOfOkta } from './okta-kinds.ts';
import { at, firstText, textAt } from './record.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The event of one Okta System Log record (the LogEvent object of Okta's System Log API). The least that it needs is
 * an `eventType`. Okta's log does not name the organisation, so there is no customerId.
 */
export function mapOkta(record: JsonObject): Mapped {
  const action = textAt(record, 'eventType');
  if (action === undefined) return { unmapped: 'no eventType: nothing says what happened' };
  const result = textAt(record, 'outcome.result');
  const outcome = outcomeOfOkta(result);
  const eventType = kindOfOkta(action, outcome);
  const userId = known(record, ['actor.alternateId', 'actor.id', 'actor.displayName']);
  const address = firstText(record, ['client.ipAddress', 'request.ipChain.0.ip']);
  const input = eventOf({
    eventType,
    outcome,
    severity: severityOfOkta({ eventType, outcome, action, result, level: textAt(record, 'severity') }),
    action,
    description: describe(record, userId, address),
    time: at(record, 'published') ?? at(record, 'p_event_time'),
    address,
    userId,
    sessionId: known(record, ['authenticationContext.externalSessionId']),
    userAgent: textAt(record, 'client.userAgent.rawUserAgent'),
    requestId: known(record, ['debugContext.debugData.requestId', 'transaction.id']),
    resourceType: textAt(record, 'target.0.type'),
    resourceId: known(record, ['target.0.id', 'target.0.alternateId', 'target.0.displayName']),
    details: { format: 'okta', record },
  });
  const uuid = textAt(record, 'uuid');
  return { input, sourceId: uuid !== undefined && UUID.test(uuid) ? uuid : undefined };
}

/** Okta writes `unknown` where it knows nothing. */
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
