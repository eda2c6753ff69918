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

/** Members that the log of an export assigned. They are dropped, because this log assigns its own. */
const ASSIGNED_BY_THE_LOG = new Set<string>([
  'v',
  ...STORED_FIELDS.filter((name) => traitsOf(name).includes('byLog')),
]);
const KNOWN = new Set<string>(CLIENT_FIELDS);
const OBJECTS = new Set<string>(OBJECT_FIELDS);
/** The kinds whose values have other names in GraphQL than in the log. */
const ENUMS = new Set<Kind>(['eventType', 'outcome', 'severity']);

/**
 * Maps one line of NDJSON to an event: a line of an export of this software (snake_case, dotted type names, with `id`,
 * `salt`, `recorded_at`), or a `LogEventInput` of the GraphQL API (camelCase, enum names). The line needs an event type.
 * The `id` of an exported event becomes its idempotency key, so that the event is recorded once. A line with an unknown
 * member is unmapped, because the member would be lost. `formats.ts` then renames the resource type of the other log's
 * own events, which the summary reports.
 */
export function mapNdjson(record: JsonObject): MappedRecord {
  const fields = camelCased(record);
  const unknown = Object.keys(fields).find((name) => !KNOWN.has(name) && !ASSIGNED_BY_THE_LOG.has(name));
  if (unknown !== undefined) return { unmapped: `unknown member: ${unknown.slice(0, 60)}` };
  const wrong = wrongMember(fields);
  if (wrong !== undefined) return { unmapped: wrong };
  if (typeof fields.eventType !== 'string') return { unmapped: 'no eventType (or event_type)' };
  const input: JsonObject = {};
  for (const name of CLIENT_FIELDS) {
    const value = fields[name];
    // The log refuses an unknown name, with the path of the member.
    if (value !== undefined)
      input[name] = ENUMS.has(EVENT_FIELDS[name].kind) ? enumName(value as string) : value;
  }
  if (typeof fields.id === 'string') input.idempotencyKey ??= `export:${fields.id}`;
  return { input: input as unknown as LogEventInput };
}

/** Renames the members of the record itself; those inside `details` belong to the application. */
function camelCased(record: JsonObject): JsonObject {
  const renamed: JsonObject = {};
  for (const [name, value] of Object.entries(record)) {
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    // GraphQL and SQL write null for an absent value.
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
    } else if (typeof value !== 'string') return `${name} is not a string`;
  }
  return undefined;
}
