import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../src/import/formats.ts';
import { actionOf, bytesOf, eventOf, readAll } from './read.ts';

const CALL = {
  eventVersion: '1.08',
  eventTime: '2024-05-05T10:00:00Z',
  eventSource: 'iam.amazonaws.com',
  eventName: 'CreateUser',
  eventID: '00000000-0000-4000-8000-0000000000a1',
  readOnly: false,
};
const LOGIN = {
  uuid: '00000000-0000-4000-8000-0000000000b1',
  published: '2024-05-05T10:00:00.000Z',
  eventType: 'user.session.start',
  outcome: { result: 'FAILURE' },
};
const PUSH = { action: 'git.push', actor: 'ada', _document_id: 'AbCdEfGhIjKlMnOpQrStUv' };
const call = JSON.stringify(CALL);
const logEvents = [{ id: '1', timestamp: 1, message: call }];
const logs = { messageType: 'DATA_MESSAGE', logGroup: 'CloudTrail', logEvents };
const notification = { Type: 'Notification', TopicArn: 'arn:t', Message: call };
const base64 = (value: unknown) => gzipSync(JSON.stringify(value)).toString('base64');

const ENVELOPES: [name: string, format: Format, record: object, envelope: unknown][] = [
  [
    'EventBridge',
    'cloudtrail',
    CALL,
    { version: '0', id: 'x', 'detail-type': 'AWS API Call via CloudTrail', detail: CALL },
  ],
  ['EventBridge', 'okta', LOGIN, { version: '0', id: 'x', 'detail-type': 'SystemLog', detail: LOGIN }],
  ['CloudWatch Logs', 'cloudtrail', CALL, logs],
  ['CloudWatch Logs for Lambda', 'cloudtrail', CALL, { awslogs: { data: base64(logs) } }],
  ['CloudWatch Logs in Kinesis', 'cloudtrail', CALL, { Records: [{ kinesis: { data: base64(logs) } }] }],
  ['filter-log-events', 'cloudtrail', CALL, { events: logEvents, searchedLogStreams: [] }],
  [
    'lookup-events',
    'cloudtrail',
    CALL,
    { Events: [{ EventId: 'e', EventName: 'CreateUser', CloudTrailEvent: call }] },
  ],
  ['a CloudTrail file', 'cloudtrail', CALL, { Records: [CALL] }],
  ['CloudTrail Lake', 'cloudtrail', CALL, { id: '1', eventData: call }],
  ['SNS', 'cloudtrail', CALL, notification],
  [
    'SNS in SQS',
    'cloudtrail',
    CALL,
    { Records: [{ receiptHandle: 'r', body: JSON.stringify(notification) }] },
  ],
  ['SNS for Lambda', 'cloudtrail', CALL, { Records: [{ Sns: { Message: call } }] }],
  [
    'an Okta event hook',
    'okta',
    LOGIN,
    { eventType: 'com.okta.event_hook', eventId: 'y', data: { events: [LOGIN] } },
  ],
  ['a CloudEvent', 'okta', LOGIN, { specversion: '1.0', type: 't', source: 's', id: '1', data: LOGIN }],
  ['Azure Event Hubs', 'github', PUSH, { records: [PUSH] }],
  ['Splunk', 'github', PUSH, { time: 1, sourcetype: 'github', event: PUSH }],
  ['Filebeat', 'github', PUSH, { '@timestamp': 't', agent: {}, message: JSON.stringify(PUSH) }],
  [
    'Kinesis for Lambda',
    'cloudtrail',
    CALL,
    {
      Records: [
        {
          eventSource: 'aws:kinesis',
          eventName: 'aws:kinesis:record',
          eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
          kinesis: { partitionKey: '1', data: Buffer.from(call).toString('base64') },
        },
      ],
    },
  ],
  [
    'SQS without a handle',
    'cloudtrail',
    CALL,
    { Records: [{ messageId: 'm', eventSource: 'aws:sqs', body: call }] },
  ],
  ['receive-message', 'cloudtrail', CALL, { Messages: [{ MessageId: 'm', Body: call }] }],
  ['Firehose for Lambda', 'cloudtrail', CALL, { records: [{ recordId: '1', data: base64(logs) }] }],
  ['Firehose by HTTP', 'okta', LOGIN, { requestId: 'r', records: [{ data: base64(LOGIN) }] }],
  [
    'Pub/Sub',
    'github',
    PUSH,
    {
      message: { data: Buffer.from(JSON.stringify(PUSH)).toString('base64'), messageId: '1' },
      subscription: 's',
    },
  ],
  ['Elastic', 'cloudtrail', CALL, { event: { original: call, module: 'aws' }, cloud: {} }],
  ['Elasticsearch', 'okta', LOGIN, { took: 1, hits: { total: 1, hits: [{ _index: 'i', _source: LOGIN }] } }],
  ['an export of Splunk', 'github', PUSH, { preview: false, result: { _raw: JSON.stringify(PUSH) } }],
  ['Fluent Bit', 'okta', LOGIN, { log: `${JSON.stringify(LOGIN)}\n`, stream: 'stdout' }],
];

describe('envelopes', () => {
  it.each(ENVELOPES)(
    '%s of %s: the record inside is the event, and the same event as alone',
    async (_, format, record, envelope) => {
      const [alone] = await readAll(format, bytesOf(JSON.stringify(record)));
      for (const text of [
        JSON.stringify(envelope),
        JSON.stringify(envelope, null, 2),
        JSON.stringify([envelope]),
      ]) {
        const found = (await readAll(format, bytesOf(text))).map(eventOf);
        expect(found).toEqual([eventOf(alone)]);
      }
    },
  );

  it.each([
    ['okta', { eventType: 'com.okta.event_hook', data: { events: [] } }, 'Okta event hook'],
    ['okta', { eventType: 'com.okta.event_hook' }, 'Okta event hook'],
    ['cloudtrail', { 'detail-type': 'x' }, 'EventBridge event'],
    ['cloudtrail', { ...notification, Type: 'SubscriptionConfirmation' }, 'SNS message'],
    ['github', { records: [] }, 'list of records'],
    [
      'cloudtrail',
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        s3: { object: { key: 'k' } },
      },
      'notification of an AWS service',
    ],
    [
      'cloudtrail',
      { eventID: '1', eventSource: 'aws:dynamodb', eventName: 'MODIFY', dynamodb: {} },
      'notification of an AWS service',
    ],
  ] as [Format, object, string][])(
    'without a record in it are none of %s: %o',
    async (format, envelope, name) => {
      expect(await readAll(format, bytesOf(JSON.stringify(envelope)))).toEqual([
        { line: 1, unmapped: `an envelope (${name}) without a record in it` },
      ]);
    },
  );

  it('that a transport sends empty are nothing at all', async () => {
    const control = { ...logs, messageType: 'CONTROL_MESSAGE' };
    expect(await readAll('cloudtrail', bytesOf(JSON.stringify(control)))).toEqual([]);
  });

  it('are not looked for in what is a record itself', async () => {
    const hook = { action: 'hook.create', events: ['push'], message: 'm', records: [] };
    const found = await readAll('github', bytesOf(JSON.stringify(hook)));
    expect(found.map(eventOf)).toMatchObject([{ action: 'hook.create' }]);
  });

  it('are opened to a bounded depth, and broken ones cost themselves alone', async () => {
    let deep: unknown = CALL;
    for (let depth = 0; depth < 20; depth++) deep = { 'detail-type': 'x', detail: deep };
    const text = [deep, { message: '{"eventName":' }, { awslogs: { data: 'H4sIAAAA' } }, CALL]
      .map((value) => JSON.stringify(value))
      .join('\n');
    const found = await readAll('cloudtrail', bytesOf(text));
    expect(found.map(actionOf)).toEqual([
      'more than 6 nested envelopes',
      'not well-formed JSON in an envelope',
      'an envelope (CloudWatch Logs event of Lambda) without a record in it',
      'CreateUser',
    ]);
  });
});
