import { createHash } from 'node:crypto';
import { addressIn } from '../events/address.ts';
import { type EVENT_TYPES, type Outcome, SEVERITIES, type Severity } from '../events/catalog.ts';
import {
  type ClientField,
  type JsonObject,
  type JsonValue,
  MAX_EVENT_BYTES,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
  type ObjectField,
  TEXT_BOUNDS,
  TEXT_FIELDS,
  type TextField,
} from '../events/fields.ts';
import { isObject } from './json-values.ts';
import { parseSourceTime } from './source-time.ts';

/** The fields that a mapper takes from a source record, before the bounds of the log are applied. */
export interface SourceFields extends SourceTexts {
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  action: string;
  description: string;
  /** The time in the form of the source. */
  time?: JsonValue | undefined;
  /** The address in the form of the source: an IP address, also with a port or in brackets, a host name, or other text. */
  address?: string | undefined;
  /** `format`, the source record, and values derived from it. */
  details: JsonObject;
}

/** The text fields. The log refuses longer values than their bounds. */
type BoundedText = Exclude<TextField, 'idempotencyKey'>;
type SourceTexts = { [N in BoundedText]?: string | undefined };
const TEXTS = TEXT_FIELDS.filter((name): name is BoundedText => name !== 'idempotencyKey');

/** The largest input. The rest of the event is for the fields that the log adds and for longer redacted values. */
const MAX_INPUT_BYTES = MAX_EVENT_BYTES - 2_535;

/**
 * Makes the event. `details.notes` reports every change. A text that is too long is shortened with an ellipsis (the
 * whole value stays in the source record in the details). An address that is not an IP address becomes
 * `details.sourceAddress`. An event whose time is missing or unreadable gets the time of its receipt.
 */
export function toEventInput(draft: SourceFields): LogEventInput {
  const notes = new Set<string>();
  const input: LogEventInput = {
    eventType: draft.eventType,
    outcome: draft.outcome,
    severity: draft.severity,
  };
  const timestamp = timeWithNote(draft.time, notes);
  if (timestamp !== undefined) input.timestamp = timestamp;
  const ipAddress = draft.address === undefined ? undefined : addressIn(draft.address);
  if (ipAddress !== undefined) input.ipAddress = ipAddress;
  for (const field of TEXTS) {
    const bound = TEXT_BOUNDS[field];
    const text = draft[field];
    if (text !== undefined && text !== '') {
      input[field] = shortened(storableText(text, notes), { bound, field, notes });
    }
  }
  const address =
    draft.address !== undefined && ipAddress === undefined ? { sourceAddress: draft.address } : {};
  const details = storable({ ...draft.details, ...address }, notes) as JsonObject;
  const noted = notes.size > 0 ? { ...details, notes: [...notes] } : details;
  input.details = fitDetails(noted, MAX_INPUT_BYTES - byteLength({ ...input }));
  return input;
}

function timeWithNote(time: JsonValue | undefined, notes: Set<string>): string | undefined {
  const parsed = parseSourceTime(time);
  if (parsed === undefined) {
    const why = time === undefined || time === null ? 'has no time' : `has ${JSON.stringify(time)} as time`;
    notes.add(`the source record ${why.slice(0, 200)}: the timestamp is that of the import`);
  }
  return parsed;
}

function shortened(text: string, to: { bound: number; field: string; notes: Set<string> }): string {
  const { bound, field, notes } = to;
  if (text.length <= bound) return text;
  notes.add(`${field} is shortened from ${text.length} to ${bound} characters`);
  // A cut within a surrogate pair would leave a lone surrogate.
  const cut = text.slice(0, bound - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${cut}…`;
}

type EnumName<Dotted extends string> = Dotted extends `${infer Head}.${infer Tail}`
  ? `${Uppercase<Head>}_${Uppercase<Tail>}`
  : never;

/** The event types that every deployment has, by their GraphQL names. */
export type BuiltInEventType = EnumName<(typeof EVENT_TYPES)[number]>;
export type AuditOutcome = Uppercase<Outcome>;
export type AuditSeverity = Uppercase<Severity>;

/** An element of the input of the GraphQL mutation `logEvents`. */
export interface LogEventInput extends GivenFields {
  /** RFC 3339; absent: the time of receipt. */
  timestamp?: string;
  /** A built-in type, or a custom type of the deployment. */
  eventType: string;
  outcome?: AuditOutcome;
  severity?: AuditSeverity;
}
type GivenFields = { [N in ClientField]?: N extends ObjectField ? JsonObject : string };

/**
 * The result of mapping one source record: an event, or the reason why there is none. `sourceId` is the id of the
 * record, where the source guarantees it to be unique: two records with the same id are the same event.
 */
export type MappedRecord = { input: LogEventInput; sourceId?: string | undefined } | { unmapped: string };

/** The more severe of two severities. */
export function moreSevere(one: AuditSeverity, other: AuditSeverity): AuditSeverity {
  return rankOf(one) >= rankOf(other) ? one : other;
}

function rankOf(severity: AuditSeverity): number {
  return SEVERITIES.indexOf(severity.toLowerCase() as Severity);
}

/** The deepest record that is kept as JSON; the remaining levels of the log are for the details around the record. */
export const MAX_DETAILS_DEPTH = MAX_JSON_DEPTH - 4;

/**
 * Makes a text that the log accepts. The log refuses NUL and lone surrogates, so an attacker could hide an event by
 * putting them into a name or a user agent. They become U+2400 and U+FFFD, with a note.
 */
export function storableText(text: string, notes: Set<string>): string {
  if (!text.includes('\0') && text.isWellFormed()) return text;
  notes.add(
    'NUL characters and lone surrogates, which the log cannot keep, were replaced by U+2400 and U+FFFD',
  );
  return text.toWellFormed().replaceAll('\0', '\u2400');
}

/** Makes a copy of a JSON value that the log accepts. `notes` gets every change. */
export function storable(value: JsonValue, notes: Set<string>, levels = MAX_DETAILS_DEPTH): JsonValue {
  if (typeof value === 'string') return storableText(value, notes);
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) {
    notes.add(`what lies deeper than ${MAX_DETAILS_DEPTH} levels is kept as JSON text`);
    return storableText(JSON.stringify(value), notes);
  }
  if (Array.isArray(value)) return value.map((element) => storable(element, notes, levels - 1));
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    copy[storableKey(key, notes)] = storable(member, notes, levels - 1);
  }
  return copy;
}

function storableKey(key: string, notes: Set<string>): string {
  if (key !== '__proto__') return storableText(key, notes);
  notes.add('a member named __proto__, which the log cannot keep, was renamed to [__proto__]');
  return '[__proto__]';
}

/** The most members and elements of the details; the rest is for the event around them. */
const MAX_DETAILS_VALUES = MAX_JSON_VALUES - 1_000;

/**
 * Fits `details` into `maxBytes` of JSON and the number of values that the log accepts. When they are larger, a text with
 * their size replaces the largest members of the source record, and a note gives the size and the SHA-256 of the whole
 * record, by which the original can be identified.
 */
export function fitDetails(details: JsonObject, maxBytes: number): JsonObject {
  if (fits(details, maxBytes)) return details;
  const key = isObject(details.record) ? 'record' : largestFirst(details)[0];
  if (key === undefined) return details;
  const whole = details[key] ?? null;
  const text = JSON.stringify(whole);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const note = `${key} was ${Buffer.byteLength(text)} bytes, more than the log keeps; its JSON had the SHA-256 ${sha256}`;
  const notes = [...(Array.isArray(details.notes) ? details.notes : []), note];
  const noted = { ...details, notes };
  if (!isObject(whole)) return { ...noted, [key]: leftOut(whole) };
  const members = { ...whole };
  for (const name of largestFirst(whole)) {
    members[name] = leftOut(whole[name] ?? null);
    if (fits({ ...noted, [key]: members }, maxBytes)) return { ...noted, [key]: members };
  }
  return { ...noted, [key]: leftOut(whole) };
}

function fits(value: JsonValue, maxBytes: number): boolean {
  return byteLength(value) <= maxBytes && countValues(value) <= MAX_DETAILS_VALUES;
}

function largestFirst(object: JsonObject): string[] {
  const sizes = new Map(Object.keys(object).map((key) => [key, byteLength(object[key] ?? null)]));
  return [...sizes.keys()].sort((one, other) => (sizes.get(other) ?? 0) - (sizes.get(one) ?? 0));
}

function leftOut(value: JsonValue): string {
  return `[left out by the import: ${byteLength(value)} bytes of JSON]`;
}

/** The bytes of a value as JSON. */
export function byteLength(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function countValues(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + countValues(member), 1);
}
