import type { JsonObject, JsonValue } from '../events/fields.ts';
import { CLOUDTRAIL_CALLS } from './cloudtrail-calls.ts';
import { resourceOfCall } from './cloudtrail-resources.ts';
import {
  type AuditOutcome,
  type AuditSeverity,
  type MappedRecord,
  moreSevere,
  toEventInput,
} from './event-input.ts';
import { firstText, isObject, textAt, uuidAt, valueAt } from './json-values.ts';
import { eventKindOf, type MeaningName } from './meanings.ts';

/** The members of a CloudTrail record that determine its meaning, outcome and severity. */
interface CloudTrailCall {
  /** The operation, for example `PutBucketPolicy`. */
  name: string;
  /** The service without its domain, for example `s3`. */
  service: string;
  readOnly: boolean | undefined;
  errorCode: string | undefined;
  /** A refused sign-in, which has no `errorCode`. */
  failed: boolean;
}

/**
 * Maps one AWS CloudTrail record (AWS CloudTrail user guide, "CloudTrail record contents") to an event. The record needs
 * an `eventName` in the catalogue, or `readOnly`, which tells a read from a change. A record without a valid `eventTime`
 * gets the time of the import, with a note in its details.
 */
export function mapCloudtrail(record: JsonObject): MappedRecord {
  const call = callOf(record);
  if (call === undefined) return { unmapped: 'no eventName: nothing says what happened' };
  const meaning = meaningOf(call, record);
  if (meaning === undefined) {
    const name = `${call.service}:${call.name}`.slice(0, 80);
    return { unmapped: `no meaning is known for the call ${name}, and the record has no readOnly` };
  }
  const { eventType, outcome, severity } = eventKindOf(meaning, outcomeOf(call));
  const userId = userOf(record);
  const address = textAt(record, 'sourceIPAddress');
  const input = toEventInput({
    eventType,
    outcome,
    severity: severityOf({ record, meaning, outcome, severity }),
    action: call.name,
    description: describe({ call, userId, address, error: errorOf(record) }),
    time: valueAt(record, 'eventTime') ?? valueAt(record, 'p_event_time'),
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
  const readOnly = valueAt(record, 'readOnly');
  return {
    name,
    service: (textAt(record, 'eventSource') ?? '').replace(/\.amazonaws\.com(\.cn)?$/, ''),
    readOnly: typeof readOnly === 'boolean' ? readOnly : parseFlag(readOnly),
    errorCode: textAt(record, 'errorCode'),
    failed: loginFailed(record),
  };
}

function parseFlag(flag: unknown): boolean | undefined {
  const text = String(flag).toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** The API version that Lambda and CloudFront append to the name of an operation. */
const VERSION = /\d{4}_?\d\d_?\d\d(v\d+)?$/;
/** Meanings that follow only from the verb of a name. The `readOnly` of a record overrides them. */
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
/** The error code of a dry run that would have succeeded. */
const DRY_RUN = /DryRunOperation/;

/** No error is SUCCESS, a refused permission DENIED, a fault of AWS ERROR, any other error FAILURE. */
function outcomeOf({ errorCode, failed }: CloudTrailCall): AuditOutcome {
  if (errorCode === undefined || DRY_RUN.test(errorCode)) return failed ? 'FAILURE' : 'SUCCESS';
  if (DENIED.test(errorCode)) return 'DENIED';
  return SERVER.test(errorCode) ? 'ERROR' : 'FAILURE';
}

/** The names of policies that grant full access. */
const FULL_ACCESS = /AdministratorAccess|FullAccess/;

/** The severity of the meaning, raised for failures, the root user, full access and a sign-in without a second factor. */
function severityOf(of: {
  record: JsonObject;
  meaning: MeaningName;
  outcome: AuditOutcome;
  severity: AuditSeverity;
}): AuditSeverity {
  const { record, meaning, outcome } = of;
  let { severity } = of;
  const reads = meaning === 'read' || meaning === 'unknown-read';
  if (outcome === 'DENIED' || (outcome === 'FAILURE' && !reads)) severity = moreSevere(severity, 'WARNING');
  if (outcome === 'ERROR') severity = moreSevere(severity, 'ERROR');
  const policy = firstText(record, ['requestParameters.policyArn', 'requestParameters.policyName']);
  if (meaning === 'granted' && outcome === 'SUCCESS' && FULL_ACCESS.test(policy ?? '')) {
    severity = moreSevere(severity, 'ERROR');
  }
  const root = textAt(record, 'userIdentity.type') === 'Root';
  const withoutMfa = textAt(record, 'additionalEventData.MFAUsed') === 'No';
  const raised = (root && !reads) || (withoutMfa && meaning === 'login');
  return raised ? moreSevere(severity, 'WARNING') : severity;
}

/** Sign-in events report their result in `responseElements`, not in `errorCode`. */
function loginFailed(record: JsonObject): boolean {
  const response = valueAt(record, 'responseElements');
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

/** An access key that begins with ASIA is temporary, so it identifies one session. */
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

/** Calls that can widen or narrow access, depending on their request. */
interface Direction {
  /** The names of the operations, without their service. */
  calls: RegExp;
  /** Conditions on paths in `requestParameters`. The first that holds decides, so those that widen access come first. */
  signs: readonly { path: string; holds: (value: JsonValue | undefined) => boolean; meaning: MeaningName }[];
}

const present = (value: JsonValue | undefined) =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
const isFalse = (value: JsonValue | undefined) => value === false || value === 'false';
const isTrue = (value: JsonValue | undefined) => value === true || value === 'true';
const is = (text: string) => (value: JsonValue | undefined) => value === text;
const hasNoTarget = (value: JsonValue | undefined) =>
  isObject(value) && !Object.keys(value).some((name) => name.toLowerCase() === 'loggingenabled');
const hasFalse = (value: JsonValue | undefined) => isObject(value) && Object.values(value).some(isFalse);

const DIRECTIONS: readonly Direction[] = [
  {
    calls: /^Modify(Snapshot|Image)Attribute$/,
    signs: [
      { path: 'createVolumePermission.add', holds: present, meaning: 'granted' },
      { path: 'launchPermission.add', holds: present, meaning: 'granted' },
      { path: 'createVolumePermission.remove', holds: present, meaning: 'revoked' },
      { path: 'launchPermission.remove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^ModifyDB(Cluster)?SnapshotAttribute$/,
    signs: [
      { path: 'valuesToAdd', holds: present, meaning: 'granted' },
      { path: 'valuesToRemove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^ModifyDocumentPermission$/,
    signs: [
      { path: 'accountIdsToAdd', holds: present, meaning: 'granted' },
      { path: 'accountIdsToRemove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^Put(Bucket|Account|AccessPoint)?PublicAccessBlock$/,
    signs: [{ path: 'PublicAccessBlockConfiguration', holds: hasFalse, meaning: 'protection-off' }],
  },
  {
    calls: /^PutBucketVersioning$/,
    signs: [
      { path: 'VersioningConfiguration.Status', holds: is('Suspended'), meaning: 'protection-off' },
      { path: 'VersioningConfiguration.MfaDelete', holds: is('Disabled'), meaning: 'protection-off' },
    ],
  },
  {
    calls: /^PutBucketLogging$/,
    signs: [{ path: 'BucketLoggingStatus', holds: hasNoTarget, meaning: 'logging-off' }],
  },
  { calls: /^UpdateDetector$/, signs: [{ path: 'enable', holds: isFalse, meaning: 'logging-off' }] },
  { calls: /^UpdateMacieSession$/, signs: [{ path: 'status', holds: is('PAUSED'), meaning: 'logging-off' }] },
  {
    calls: /^UpdateAccessKey$/,
    signs: [
      { path: 'status', holds: is('Active'), meaning: 'credential-created' },
      { path: 'status', holds: is('Inactive'), meaning: 'credential-removed' },
    ],
  },
  {
    calls: /^ModifyDBInstance$/,
    signs: [
      { path: 'publiclyAccessible', holds: isTrue, meaning: 'access-widened' },
      { path: 'deletionProtection', holds: isFalse, meaning: 'protection-off' },
      { path: 'publiclyAccessible', holds: isFalse, meaning: 'access-narrowed' },
    ],
  },
  {
    calls: /^ModifyDBCluster$/,
    signs: [{ path: 'deletionProtection', holds: isFalse, meaning: 'protection-off' }],
  },
  {
    calls: /^UpdateProjectVisibility$/,
    signs: [{ path: 'projectVisibility', holds: is('PRIVATE'), meaning: 'revoked' }],
  },
];

/** The meaning of a call that can widen or narrow access, by its request; undefined for other calls and requests. */
export function directionOfCall(name: string, record: JsonObject): MeaningName | undefined {
  const request = valueAt(record, 'requestParameters');
  const direction = DIRECTIONS.find(({ calls }) => calls.test(name));
  return direction?.signs.find(({ path, holds }) => holds(valueAt(request, path)))?.meaning;
}
