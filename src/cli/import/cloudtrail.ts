import { type CloudTrailCall, kindOfCall, outcomeOfCall, severityOfCall } from './cloudtrail-kinds.ts';
import { resourceOfCall } from './cloudtrail-resources.ts';
import { eventOf } from './draft.ts';
import type { JsonObject, Mapped } from './input.ts';
import { at, firstText, textAt } from './record.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The event of one AWS CloudTrail record ("CloudTrail record contents" in the AWS CloudTrail user guide). The least
 * that a record needs is an `eventName`: without it nobody can say what happened. A record without a usable
 * `eventTime` gets the time of the import, which its details say.
 */
export function mapCloudtrail(record: JsonObject): Mapped {
  const call = callOf(record);
  if (call === undefined) return { unmapped: 'no eventName: nothing says what happened' };
  const eventType = kindOfCall(call);
  const outcome = outcomeOfCall(call);
  const userId = userOf(record);
  const address = textAt(record, 'sourceIPAddress');
  const input = eventOf({
    eventType,
    outcome,
    severity: severityOfCall(call, eventType, outcome),
    action: call.name,
    description: describe({ call, userId, address, error: errorOf(record) }),
    time: at(record, 'eventTime') ?? at(record, 'p_event_time'),
    address,
    userId,
    customerId: firstText(record, ['recipientAccountId', 'userIdentity.accountId']),
    sessionId: sessionOf(record),
    userAgent: textAt(record, 'userAgent'),
    requestId: textAt(record, 'requestID'),
    ...resourceOfCall(record),
    details: { format: 'cloudtrail', record },
  });
  const eventId = textAt(record, 'eventID');
  return { input, sourceId: eventId !== undefined && UUID.test(eventId) ? eventId : undefined };
}

function callOf(record: JsonObject): CloudTrailCall | undefined {
  const name = textAt(record, 'eventName');
  if (name === undefined) return undefined;
  const readOnly = at(record, 'readOnly');
  return {
    name,
    service: (textAt(record, 'eventSource') ?? '').replace(/\.amazonaws\.com$/, ''),
    readOnly: typeof readOnly === 'boolean' ? readOnly : readOnly === 'true' ? true : undefined,
    errorCode: textAt(record, 'errorCode'),
    failed: loginFailed(record),
    root: textAt(record, 'userIdentity.type') === 'Root',
    withoutMfa: textAt(record, 'additionalEventData.MFAUsed') === 'No',
    policy: firstText(record, ['requestParameters.policyArn', 'requestParameters.policyName']),
  };
}

/** Sign-in events tell success and failure in `responseElements` and not in `errorCode`. */
function loginFailed(record: JsonObject): boolean {
  const response = at(record, 'responseElements');
  const verdict = textAt(response, textAt(record, 'eventName') ?? '') ?? textAt(response, 'ConsoleLogin');
  return verdict === 'Failure' || textAt(record, 'errorMessage') === 'Failed authentication';
}

function userOf(record: JsonObject): string | undefined {
  return firstText(record, [
    'userIdentity.arn',
    'userIdentity.userName',
    'userIdentity.principalId',
    'userIdentity.invokedBy',
    'userIdentity.accessKeyId',
    'userIdentity.accountId',
  ]);
}

/** Access keys that begin with ASIA are temporary: one key is one session. */
function sessionOf(record: JsonObject): string | undefined {
  const key = textAt(record, 'userIdentity.accessKeyId');
  return key?.startsWith('ASIA') ? key : undefined;
}

function errorOf(record: JsonObject): string | undefined {
  const parts = [textAt(record, 'errorCode'), textAt(record, 'errorMessage')].filter((part) => part);
  return parts.length === 0 ? undefined : parts.join(': ');
}

function describe(what: {
  call: CloudTrailCall;
  userId: string | undefined;
  address: string | undefined;
  error: string | undefined;
}): string {
  const { call, userId, address, error } = what;
  const who = userId ?? 'Someone';
  const where = address === undefined ? '' : ` from ${address}`;
  const service = call.service === '' ? '' : `${call.service} `;
  const end = error === undefined ? (call.failed ? ' and failed' : '') : `, which failed with ${error}`;
  return `${who} called ${service}${call.name}${where}${end}`;
}
