import { enumName } from '../events/catalog.ts';
import type { JsonObject } from '../events/fields.ts';
import type { LogEventInput, MappedRecord } from './event-input.ts';
import { isObject } from './json-values.ts';

const TEXTS = [
  'timestamp',
  'userId',
  'customerId',
  'sessionId',
  'ipAddress',
  'userAgent',
  'requestId',
  'resourceType',
  'resourceId',
  'action',
  'description',
] as const;
const OBJECTS = ['details', 'oldValues', 'newValues'] as const;
/** What belongs to the log that gave it and cannot be said of an event: the log that imports gives its own. */
const GIVEN_BY_THE_LOG = new Set(['id', 'v', 'salt', 'position', 'recordedAt', 'leafHash']);
const KNOWN = new Set<string>([...TEXTS, ...OBJECTS, 'eventType', 'outcome', 'severity', 'idempotencyKey']);

/**
 * The event of one line of NDJSON: a line of this log's own export (snake_case, dotted type names, with `id`, `salt`,
 * `recorded_at`), or a `LogEventInput` of the GraphQL API (camelCase, enum names). The least that it needs is an
 * event type. The `id` of an exported event becomes its idempotency key, so that it is recorded once. A member that
 * the log has no place for makes the line unmapped, since dropping it would be silent. An event of the other log about
 * itself is given another resource type behind this (`formats.ts`), and the summary says so.
 */
export function mapNdjson(record: JsonObject): MappedRecord {
  const fields = camelCased(record);
  const unknown = Object.keys(fields).find((name) => !KNOWN.has(name) && !GIVEN_BY_THE_LOG.has(name));
  if (unknown !== undefined) return { unmapped: `a member that events do not have: ${unknown.slice(0, 60)}` };
  const wrong = wrongMember(fields);
  if (wrong !== undefined) return { unmapped: wrong };
  if (typeof fields.eventType !== 'string') return { unmapped: 'no eventType (or event_type)' };
  const input: LogEventInput = { eventType: enumName(fields.eventType) };
  for (const name of ['outcome', 'severity'] as const) {
    const value = fields[name];
    // An unknown name is the log's to refuse, with the path of the member.
    if (typeof value === 'string') Object.assign(input, { [name]: enumName(value) });
  }
  for (const name of TEXTS) {
    const value = fields[name];
    if (typeof value === 'string') input[name] = value;
  }
  for (const name of OBJECTS) {
    const value = fields[name];
    if (isObject(value)) input[name] = value;
  }
  if (typeof fields.idempotencyKey === 'string') input.idempotencyKey = fields.idempotencyKey;
  else if (typeof fields.id === 'string') input.idempotencyKey = `export:${fields.id}`;
  return { input };
}

/** Only the names of the record itself: what is inside `details` is the application's. */
function camelCased(record: JsonObject): JsonObject {
  const renamed: JsonObject = {};
  for (const [name, value] of Object.entries(record)) {
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    // null is how GraphQL and SQL say "absent".
    if (value !== null) renamed[camel] = value;
  }
  return renamed;
}

function wrongMember(fields: JsonObject): string | undefined {
  for (const name of [...TEXTS, 'eventType', 'outcome', 'severity', 'idempotencyKey']) {
    if (fields[name] !== undefined && typeof fields[name] !== 'string') return `${name} is not a text`;
  }
  const object = OBJECTS.find((name) => fields[name] !== undefined && !isObject(fields[name]));
  return object === undefined ? undefined : `${object} is not an object`;
}
