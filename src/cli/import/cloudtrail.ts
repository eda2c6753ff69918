import type { JsonObject } from '../../events/event.ts';
import { CLOUDTRAIL_CALLS } from './cloudtrail-calls.ts';
import { directionOfCall } from './cloudtrail-direction.ts';
import { resourceOfCall } from './cloudtrail-resources.ts';
import { eventOf } from './draft.ts';
import { type AuditOutcome, type AuditSeverity, atLeast, type Mapped } from './input.ts';
import { type MeaningName, resultOf } from './meanings.ts';
import { at, firstText, textAt, uuidAt } from './record.ts';

/** What the meaning, outcome and severity of a CloudTrail record depend on. */
interface CloudTrailCall {
  /** The operation, for example `PutBucketPolicy`. */
  name: string;
  /** The service without its domain, for example `s3`. */
  service: string;
  readOnly: boolean | undefined;
  errorCode: string | undefined;
  /** A sign-in that was refused (told outside `errorCode`). */
  failed: boolean;
}

/**
 * The event of one AWS CloudTrail record ("CloudTrail record contents" in the AWS CloudTrail user guide). The least
 * that a record needs is an `eventName` that the catalogue knows, or a `readOnly` that says whether it read or changed
 * something. A record without a usable `eventTime` gets the time of the import, which its details say.
 */
export function mapCloudtrail(record: JsonObject): Mapped {
  const call = callOf(record);
  if (call === undefined) return { unmapped: 'no eventName: nothing says what happened' };
  const meaning = meaningOf(call, record);
  if (meaning === undefined) {
    const name = `${call.service}:${call.name}`.slice(0, 80);
    return { unmapped: `no meaning is known for the call ${name}, and the record has no readOnly` };
  }
  const { eventType, outcome, severity } = resultOf(meaning, outcomeOf(call));
  const userId = userOf(record);
  const address = textAt(record, 'sourceIPAddress');
  const input = eventOf({
    eventType,
    outcome,
    severity: severityOf({ record, meaning, outcome, severity }),
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
    details: { format: 'cloudtrail', meaning, record },
  });
  return { input, sourceId: uuidAt(record, 'eventID') };
}

function callOf(record: JsonObject): CloudTrailCall | undefined {
  const name = textAt(record, 'eventName');
  if (name === undefined) return undefined;
  const readOnly = at(record, 'readOnly');
  return {
    name,
    service: (textAt(record, 'eventSource') ?? '').replace(/\.amazonaws\.com(\.cn)?$/, ''),
    readOnly: typeof readOnly === 'boolean' ? readOnly : said(readOnly),
    errorCode: textAt(record, 'errorCode'),
    failed: loginFailed(record),
  };
}

function said(flag: unknown): boolean | undefined {
  const text = String(flag).toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** The API version that Lambda and CloudFront write behind the name of an operation. */
const VERSION = /\d{4}_?\d\d_?\d\d(v\d+)?$/;
/** Meanings that follow from the verb of a name alone: the record's own `readOnly` knows better. */
const BY_VERB = new Set<MeaningName>(['read', 'created', 'updated', 'deleted']);

function meaningOf(call: CloudTrailCall, record: JsonObject): MeaningName | undefined {
  const name = call.name.replace(VERSION, '');
  const direction = directionOfCall(name, record);
  if (direction !== undefined) return direction;
  const found = CLOUDTRAIL_CALLS.find(`${call.service}:${name}`);
  if (found !== undefined && !BY_VERB.has(found.meaning)) return found.meaning;
  if (call.readOnly === undefined) return found?.meaning;
  if (call.readOnly) return found === undefined ? 'unknown-read' : 'read';
  if (found?.meaning === 'read') return 'unknown-change';
  return found?.meaning ?? 'unknown-change';
}

const DENIED = /AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthFailure|Blocked|MFARequired/i;
const SERVER =
  /^(Server\.|Internal|ServiceUnavailable|ServiceException|Unavailable)|InternalError|InternalFailure/i;
/** A dry run that "fails" with this code would have been allowed. */
const DRY_RUN = /DryRunOperation/;

/** What AWS answered: no error is SUCCESS, a refusal DENIED, a fault of the service ERROR, any other error FAILURE. */
function outcomeOf({ errorCode, failed }: CloudTrailCall): AuditOutcome {
  if (errorCode === undefined || DRY_RUN.test(errorCode)) return failed ? 'FAILURE' : 'SUCCESS';
  if (DENIED.test(errorCode)) return 'DENIED';
  return SERVER.test(errorCode) ? 'ERROR' : 'FAILURE';
}

/** Grants whose policy is named like this give everything. */
const FULL_ACCESS = /AdministratorAccess|FullAccess/;

/** The severity of the meaning, raised for failures, for the root user, for full access and for a missing factor. */
function severityOf(of: {
  record: JsonObject;
  meaning: MeaningName;
  outcome: AuditOutcome;
  severity: AuditSeverity;
}): AuditSeverity {
  const { record, meaning, outcome } = of;
  let { severity } = of;
  const reads = meaning === 'read' || meaning === 'unknown-read';
  if (outcome === 'DENIED' || (outcome === 'FAILURE' && !reads)) severity = atLeast(severity, 'WARNING');
  if (outcome === 'ERROR') severity = atLeast(severity, 'ERROR');
  const policy = firstText(record, ['requestParameters.policyArn', 'requestParameters.policyName']);
  if (meaning === 'granted' && outcome === 'SUCCESS' && FULL_ACCESS.test(policy ?? '')) {
    severity = atLeast(severity, 'ERROR');
  }
  const root = textAt(record, 'userIdentity.type') === 'Root';
  const withoutMfa = textAt(record, 'additionalEventData.MFAUsed') === 'No';
  const raised = (root && !reads) || (withoutMfa && meaning === 'login');
  return raised ? atLeast(severity, 'WARNING') : severity;
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
