import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../../../src/events/fields.ts';
import { Dice } from '../dice.ts';
import { redactDetails } from '../redact-details.ts';

const uuid = (dice: Dice) => [8, 4, 4, 4, 12].map((length) => dice.text('hex', length)).join('-');
const account = (dice: Dice) => dice.text('digits', 12);
const address = (dice: Dice) => `203.0.113.${dice.roll(256)}`;
const moment = (dice: Dice) => new Date(1_760_000_000_000 + dice.roll(2 ** 31)).toISOString();

/** A record of CloudTrail around what is particular about it. */
function cloudTrail(
  dice: Dice,
  eventName: string,
  requestParameters: JsonObject,
  more: JsonObject = {},
): JsonObject {
  const owner = account(dice);
  return {
    eventVersion: '1.09',
    userIdentity: {
      type: 'AssumedRole',
      principalId: `AROA${dice.text('base32', 17)}:deploy`,
      arn: `arn:aws:sts::${owner}:assumed-role/deploy/${dice.roll(1e9)}`,
      accountId: owner,
      accessKeyId: `ASIA${dice.text('base32', 16)}`,
      sessionContext: { attributes: { mfaAuthenticated: 'false', creationDate: moment(dice) } },
    },
    eventTime: moment(dice),
    eventName,
    sourceIPAddress: address(dice),
    userAgent: `aws-cli/2.15.${dice.roll(40)} Python/3.11.8 Linux/6.1 exe/x86_64.amzn.2023 prompt/off command/x`,
    requestParameters,
    responseElements: null,
    requestID: uuid(dice),
    eventID: uuid(dice),
    tlsDetails: { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256' },
    ...more,
  };
}

/** Records of real kinds of logs that hold no secret, though many of their names and values are like those of secrets. */
const RECORDS: readonly ((dice: Dice) => JsonObject)[] = [
  (dice) =>
    cloudTrail(dice, 'GetSecretValue', {
      secretId: `arn:aws:secretsmanager:eu-west-1:${account(dice)}:secret:prod/db-${dice.text('base62', 6)}`,
      versionStage: 'AWSCURRENT',
    }),
  (dice) =>
    cloudTrail(
      dice,
      'RotationSucceeded',
      {},
      {
        additionalEventData: {
          SecretVersionId: uuid(dice),
          SecretId: `arn:aws:secretsmanager:eu-west-1:${account(dice)}:secret:a`,
        },
      },
    ),
  (dice) => {
    const clientToken = uuid(dice);
    return cloudTrail(
      dice,
      'RunInstances',
      { clientToken, instanceType: 'm7g.large' },
      {
        responseElements: {
          instancesSet: {
            items: [
              {
                instanceId: `i-0${dice.text('hex', 16)}`,
                imageId: `ami-0${dice.text('hex', 16)}`,
                clientToken,
                metadataOptions: { httpTokens: dice.pick(['required', 'optional']), httpEndpoint: 'enabled' },
                networkInterfaceSet: {
                  items: [{ macAddress: '02:6f:00:12:34:56', privateIpAddress: '10.0.1.23' }],
                },
              },
            ],
          },
        },
      },
    );
  },
  (dice) =>
    cloudTrail(dice, 'StartDeployment', { clientRequestToken: uuid(dice), name: `fleet-${uuid(dice)}-0` }),
  (dice) =>
    cloudTrail(dice, 'Decrypt', {
      encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      keyId: `arn:aws:kms:eu-west-1:${account(dice)}:key/${uuid(dice)}`,
    }),
  (dice) =>
    cloudTrail(dice, 'UpdateAccountPasswordPolicy', {
      requireNumbers: true,
      minimumPasswordLength: 14,
      passwordReusePrevention: 24,
    }),
  (dice) => ({
    eventType: 'user.session.start',
    uuid: uuid(dice),
    published: moment(dice),
    authenticationContext: {
      authenticationProvider: 'FACTOR_PROVIDER',
      credentialType: 'OTP',
      externalSessionId: `trs${dice.text('base62', 22)}`,
    },
    outcome: { result: 'FAILURE', reason: 'INVALID_CREDENTIALS' },
    target: [{ id: `00u${dice.text('base62', 17)}`, type: 'User', alternateId: 'ada@example.com' }],
    debugContext: {
      debugData: { requestId: dice.text('base62', 27), requestUri: '/idp/idx/challenge/answer' },
    },
  }),
  (dice) => ({
    action: 'personal_access_token.access_granted',
    actor: 'ada',
    org: 'acme',
    token_id: dice.roll(1e8),
    programmatic_access_type: 'Fine-grained personal access token',
    _document_id: dice.text('base64url', 22),
    '@timestamp': 1_760_000_000_000 + dice.roll(1e9),
    oauth_application_id: dice.roll(1e6),
  }),
  (dice) => ({
    line: `Access denied for user 'app'@'${address(dice)}' (using password: ${dice.pick(['YES', 'NO'])})`,
  }),
  (dice) => ({
    line: `Nov 29 22:10:${10 + dice.roll(49)} web1 sshd[${dice.roll(40_000)}]: Accepted publickey for ada from ${address(dice)} port ${dice.roll(65_536)} ssh2: ED25519 SHA256:${dice.text('base64', 43)}`,
  }),
  (dice) => ({
    line: `${address(dice)} - - [29/Nov/2026:22:10:33 +0000] "GET /v1/orders/${dice.roll(1e9)}?page=2&sort=-created HTTP/1.1" 200 ${dice.roll(1e6)} "https://example.com/a%20b?x=%7B%22y%22%3A1%7D" "Mozilla/5.0 (X11; Linux x86_64)"`,
  }),
  (dice) => ({
    line: `2026-11-29 22:10:33.${100 + dice.roll(899)} UTC [${dice.roll(40_000)}] LOG:  duration: ${dice.roll(900)}.${dice.roll(999)} ms  statement: SELECT id FROM orders WHERE id IN (${dice.roll(1e9)}, ${dice.roll(1e9)}, ${dice.roll(1e9)})`,
  }),
  (dice) => ({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: uuid(dice),
    verb: 'create',
    requestURI: '/api/v1/namespaces/prod/serviceaccounts/api/token',
    objectRef: {
      resource: 'serviceaccounts',
      subresource: 'token',
      name: `api-${dice.text('hex', 10)}-${dice.text('lower', 5)}`,
    },
    image: `registry.example.com/api@sha256:${dice.text('hex', 64)}`,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  }),
  (dice) => ({
    trace: `00-${dice.text('hex', 32)}-${dice.text('hex', 16)}-01`,
    commit: dice.text('hex', 40),
    etag: `"${dice.text('hex', 32)}"`,
    integrity: `sha512-${dice.text('base64', 86)}==`,
    ulid: `01${dice.text('upper', 24)}`,
    objectId: dice.text('hex', 24),
    snowflake: `1${dice.text('digits', 18)}`,
    blob: dice.text('base64', 200),
  }),
];

/** What became of logs: how many of their events were changed, and each changed value. */
export interface Changes {
  events: number;
  changedEvents: number;
  values: number;
  changed: string[];
}

/** Redacts records that hold no secret: each change is a false positive. */
export function measureRecords(samplesOfEach: number): Changes {
  const dice = new Dice(17);
  const records = RECORDS.flatMap((make) => Array.from({ length: samplesOfEach }, () => make(dice)));
  return changesOf(records);
}

/** Redacts the logs in a folder: `.json`, `.jsonl`, `.ndjson`, and each line of `.log`. */
export function measureFolder(folder: string): Changes {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return changesOf(files.filter((file) => statSync(file).isFile()).flatMap(recordsIn));
}

function recordsIn(file: string): JsonObject[] {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.json')) return [JSON.parse(text)].flat();
  if (!/\.(?:jsonl|ndjson|log)$/.test(file)) return [];
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => (line.startsWith('{') ? parsed(line) : { line }));
}

function parsed(line: string): JsonObject {
  try {
    return JSON.parse(line);
  } catch {
    return { line };
  }
}

function changesOf(records: readonly JsonObject[]): Changes {
  const changes: Changes = { events: 0, changedEvents: 0, values: 0, changed: [] };
  for (const record of records) {
    const before = changes.changed.length;
    compare(record, redactDetails(record), '', changes);
    changes.events += 1;
    if (changes.changed.length > before) changes.changedEvents += 1;
  }
  return changes;
}

function compare(before: JsonValue, after: JsonValue | undefined, path: string, changes: Changes): void {
  if (before !== null && typeof before === 'object' && after !== null && typeof after === 'object') {
    const left = Object.entries(before);
    const right = Object.values(after);
    left.forEach(([key, value], index) => {
      compare(value, right[index], Array.isArray(before) ? `${path}[]` : `${path}.${key}`, changes);
    });
    return;
  }
  changes.values += 1;
  if (before !== after)
    changes.changed.push(`${path} ${JSON.stringify(before)} became ${JSON.stringify(after)}`);
}
