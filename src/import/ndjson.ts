import { enumName } from '../events/catalog.ts';
import {
  CLIENT_FIELDS,
  EVENT_FIELDS,
  type JsonObject,
  type Kind,
  OBJECT_FIELDS,
  STORED_FIELDS,
  traitsOf,
} from '../events/fields.ts';
import type { LogEventInput, MappedRecord } from './event-input.ts';
import { isObject } from './json-values.ts';

/** What belongs to the log that gave it and cannot be said of an event: the log that imports gives its own. */
const GIVEN_BY_THE_LOG = new Set<string>([
  'v',
  ...STORED_FIELDS.filter((name) => traitsOf(name).includes('log')),
]);
const KNOWN = new Set<string>(CLIENT_FIELDS);
const OBJECTS = new Set<string>(OBJECT_FIELDS);
/** Of these GraphQL has other names than the log. */
const ENUMS = new Set<Kind>(['eventType', 'outcome', 'severity']);

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
  const input: JsonObject = {};
  for (const name of CLIENT_FIELDS) {
    const value = fields[name];
    // An unknown name of an enum is the log's to refuse, with the path of the member.
    if (value !== undefined)
      input[name] = ENUMS.has(EVENT_FIELDS[name].kind) ? enumName(value as string) : value;
  }
  if (typeof fields.id === 'string') input.idempotencyKey ??= `export:${fields.id}`;
  return { input: input as unknown as LogEventInput };
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
  for (const name of CLIENT_FIELDS) {
    const value = fields[name];
    if (value === undefined) continue;
    if (OBJECTS.has(name)) {
      if (!isObject(value)) return `${name} is not an object`;
    } else if (typeof value !== 'string') return `${name} is not a text`;
  }
  return undefined;
}
