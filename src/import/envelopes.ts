import { gunzipSync } from 'node:zlib';
import type { JsonObject, JsonValue } from '../events/fields.ts';
import { isObject, parseExactly, textAt, valueAt } from './json-values.ts';
import { MAX_RECORD_BYTES } from './lines.ts';

/** A wrapper that a transport puts around records. */
interface Envelope {
  /** Its name in messages. */
  name: string;
  fits(value: JsonObject): boolean;
  /** The wrapped values. A string is JSON or a log line. */
  inside(value: JsonObject): JsonValue[];
}

const list = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
const one = (value: JsonValue | undefined): JsonValue[] =>
  value === undefined || value === null ? [] : [value];
const isText = (value: JsonValue | undefined) => typeof value === 'string';
const isMember = (name: string) => (value: JsonObject) => Object.hasOwn(value, name);
const isList = (name: string) => (value: JsonObject) => Array.isArray(value[name]);

/** The known envelopes, each with the document that describes it. Envelopes may be nested. */
const ENVELOPES: readonly Envelope[] = [
  // Okta, "Event hooks": the delivered event, with `data.events`.
  {
    name: 'Okta event hook',
    fits: (value) => value.eventType === 'com.okta.event_hook',
    inside: (value) => list(valueAt(value, 'data.events')),
  },
  // Amazon EventBridge, "Events": `detail-type` and `detail`.
  { name: 'EventBridge event', fits: isMember('detail-type'), inside: (value) => one(value.detail) },
  // Amazon CloudWatch Logs, "Subscriptions": control messages only test whether the destination is reachable.
  {
    name: 'CloudWatch Logs message',
    fits: (value) => isText(value.messageType) && isList('logEvents')(value),
    inside: (value) => (value.messageType === 'CONTROL_MESSAGE' ? [] : list(value.logEvents)),
  },
  // AWS Lambda, "CloudWatch Logs events": the message above, gzipped, in base64.
  {
    name: 'CloudWatch Logs event of Lambda',
    fits: (value) => isText(valueAt(value, 'awslogs.data')),
    inside: (value) => decoded(textAt(value, 'awslogs.data')),
  },
  // CloudTrail log files, and Lambda events from SNS, SQS and Kinesis.
  { name: 'list of records', fits: isList('Records'), inside: (value) => list(value.Records) },
  // Azure Event Hubs and Monitor.
  { name: 'list of records', fits: isList('records'), inside: (value) => list(value.records) },
  // AWS CLI: `cloudtrail lookup-events` and `logs filter-log-events` and `get-log-events`.
  { name: 'answer of lookup-events', fits: isList('Events'), inside: (value) => list(value.Events) },
  { name: 'answer of filter-log-events', fits: isList('events'), inside: (value) => list(value.events) },
  {
    name: 'event of lookup-events',
    fits: (value) => isText(value.CloudTrailEvent),
    inside: (value) => one(value.CloudTrailEvent),
  },
  // Amazon SNS, "HTTP/HTTPS notification JSON format".
  {
    name: 'SNS message',
    fits: (value) => isText(value.Type) && isText(value.Message) && isMember('TopicArn')(value),
    inside: (value) => (value.Type === 'Notification' ? one(value.Message) : []),
  },
  {
    name: 'SNS record',
    fits: (value) => isObject(value.Sns),
    inside: (value) => one(valueAt(value, 'Sns.Message')),
  },
  // Amazon SQS: a message in the form of Lambda and of the API, and the response of `receive-message`.
  { name: 'answer of receive-message', fits: isList('Messages'), inside: (value) => list(value.Messages) },
  {
    name: 'SQS message',
    fits: (value) =>
      ['receiptHandle', 'ReceiptHandle', 'messageId', 'MessageId'].some((name) => isMember(name)(value)) &&
      isText(value.body ?? value.Body),
    inside: (value) => one(value.body ?? value.Body),
  },
  {
    name: 'Kinesis record',
    fits: (value) => isText(valueAt(value, 'kinesis.data')),
    inside: (value) => decoded(textAt(value, 'kinesis.data')),
  },
  // Amazon Data Firehose: a record for Lambda, and for an HTTP endpoint.
  {
    name: 'Firehose record',
    fits: (value) => isText(value.data) && (isMember('recordId')(value) || Object.keys(value).length === 1),
    inside: (value) => decoded(textAt(value, 'data')),
  },
  // Google Cloud Pub/Sub: a pushed or pulled message.
  {
    name: 'Pub/Sub message',
    fits: (value) => isText(valueAt(value, 'message.data')),
    inside: (value) => decoded(textAt(value, 'message.data')),
  },
  // CloudEvents 1.0, structured mode.
  { name: 'CloudEvent', fits: isMember('specversion'), inside: (value) => one(value.data) },
  // AWS CloudTrail Lake.
  { name: 'event of CloudTrail Lake', fits: isMember('eventData'), inside: (value) => one(value.eventData) },
  // Elastic Common Schema: the original line; Elasticsearch and OpenSearch: documents, and search responses.
  {
    name: 'Elastic document',
    fits: (value) => isText(valueAt(value, 'event.original')),
    inside: (value) => one(valueAt(value, 'event.original')),
  },
  {
    name: 'Elasticsearch hit',
    fits: (value) => isObject(value._source),
    inside: (value) => one(value._source),
  },
  {
    name: 'answer of Elasticsearch',
    fits: (value) => Array.isArray(valueAt(value, 'hits.hits')),
    inside: (value) => list(valueAt(value, 'hits.hits')),
  },
  // Splunk: exported search results.
  {
    name: 'Splunk result',
    fits: (value) => isText(valueAt(value, 'result._raw')),
    inside: (value) => one(valueAt(value, 'result._raw')),
  },
  // Splunk HTTP event collector.
  {
    name: 'Splunk event',
    fits: (value) => isObject(value.event) || (isText(value.event) && isMember('sourcetype')(value)),
    inside: (value) => one(value.event),
  },
  // Forwarders that keep the line as a string (Filebeat, Fluent Bit, Docker, Vector), and CloudWatch log events.
  { name: 'forwarded line', fits: (value) => isText(value.message), inside: (value) => one(value.message) },
  { name: 'forwarded line', fits: (value) => isText(value.log), inside: (value) => one(value.log) },
  // Notifications of S3 and other services: they announce a file without its content.
  { name: 'notification of an AWS service', fits: isDelivery, inside: () => [] },
];

/** Whether it is a notification of an AWS service. CloudTrail records name the service by its domain instead. */
function isDelivery({ eventSource }: JsonObject): boolean {
  return typeof eventSource === 'string' && eventSource.startsWith('aws:');
}

/** The members that every record of a format has. A value with one of them is a record, not an envelope. */
const RECORD_MEMBERS = [
  'eventName',
  'eventname',
  'action',
  'eventType',
  'eventtype',
  'event_type',
  'MESSAGE',
];
const MAX_DEPTH = 6;

/** A record, a line of text, or the reason why there is none. */
export type OpenedRecord =
  | { value: JsonObject; keptAsText: string | undefined }
  | { text: string }
  | { problem: string };

/**
 * Yields the records in a value, without the envelopes around them. An envelope is never a record: an empty one is a
 * problem, unless its transport sends it empty by design.
 */
export function* openEnvelopes(
  value: JsonValue,
  keptAsText: string | undefined = undefined,
  depth = 0,
): Generator<OpenedRecord> {
  if (typeof value === 'string') return yield* openText(value, depth);
  if (!isObject(value)) return yield { problem: 'JSON, but not an object' };
  const envelope = envelopeOf(value);
  if (envelope === undefined) return yield { value, keptAsText };
  if (depth >= MAX_DEPTH) return yield { problem: `more than ${MAX_DEPTH} nested envelopes` };
  const inside = envelope.inside(value);
  if (inside.length === 0 && value.messageType !== 'CONTROL_MESSAGE') {
    yield { problem: `an envelope (${envelope.name}) without a record in it` };
  }
  for (const element of inside) yield* openEnvelopes(element, keptAsText, depth + 1);
}

function* openText(text: string, depth: number): Generator<OpenedRecord> {
  if (!/^\s*[[{]/.test(text)) return yield depth === 0 ? { problem: 'JSON, but not an object' } : { text };
  try {
    const { value, keptAsText } = parseExactly(text);
    for (const element of Array.isArray(value) ? value : [value])
      yield* openEnvelopes(element, keptAsText, depth + 1);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    yield { problem: 'not well-formed JSON in an envelope' };
  }
}

function envelopeOf(value: JsonObject): Envelope | undefined {
  const isHook = value.eventType === 'com.okta.event_hook';
  const own = RECORD_MEMBERS.some((name) => isText(value[name])) && !isHook && !isDelivery(value);
  return own ? undefined : ENVELOPES.find((envelope) => envelope.fits(value));
}

/** Decodes base64 text, and unpacks it when it is gzip. */
function decoded(text: string | undefined): JsonValue[] {
  const bytes = Buffer.from(text ?? '', 'base64');
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return [bytes.toString('utf8')];
  try {
    return [gunzipSync(bytes, { maxOutputLength: MAX_RECORD_BYTES }).toString('utf8')];
  } catch {
    return [];
  }
}
