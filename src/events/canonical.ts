import {
  CANONICAL_FIELDS,
  type CanonicalField,
  CLIENT_FIELDS,
  columnOf,
  EVENT_FIELDS,
  type EventDraft,
  type EventRecord,
  type JsonObject,
  type JsonValue,
  type Kind,
  mapFields,
  OBJECT_FIELDS,
  type ObjectField,
} from './fields.ts';
import { formatTime } from './time.ts';

const MAX_INSERTED = 16;

/**
 * The RFC 8785 (JCS) form of a JSON value: keys in UTF-16 order, numbers and strings as ECMAScript prints them.
 * The value must have been checked: no lone surrogates, no infinities, bounded depth.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return canonicalObject(value);
}

function canonicalObject(object: JsonObject): string {
  let text = '';
  for (const key of sortedKeys(object)) {
    text += `${text === '' ? '{' : ','}${quoted(key)}:${canonicalJson(object[key] as JsonValue)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

// An insertion sort: for the few keys of most objects it is faster than `sort`, which copies them.
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > MAX_INSERTED) return keys.sort();
  for (let next = 1; next < keys.length; next += 1) {
    const key = keys[next] as string;
    let at = next;
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

const MAY_NEED_ESCAPES = /["\\\p{Cc}\p{Cs}]/u;

/** A text as a JSON string. JSON.stringify is called only for texts that may need escapes. */
export function quoted(text: string): string {
  return MAY_NEED_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The canonical JSON of the objects of an event. */
export type CanonicalObjects = Record<ObjectField, string | undefined>;

const NO_OBJECTS: CanonicalObjects = mapFields(OBJECT_FIELDS, () => undefined);

/** The objects of an event in their canonical form. */
export function canonicalObjects(event: Pick<EventDraft, ObjectField>): CanonicalObjects {
  const objects = { ...NO_OBJECTS };
  for (const name of OBJECT_FIELDS) {
    const object = event[name];
    if (object !== undefined) objects[name] = canonicalObject(object);
  }
  return objects;
}

const DRAFT_MEMBERS = CLIENT_FIELDS.toSorted().map((name) => ({
  name,
  prefix: `${quoted(name)}:`,
  isObject: EVENT_FIELDS[name].kind === 'object',
}));

/** The JCS of a draft, absent values left out, whose objects are in their canonical form already. */
export function canonicalDraft(draft: EventDraft, objects: CanonicalObjects): string {
  let text = '{';
  for (const { name, prefix, isObject } of DRAFT_MEMBERS) {
    const value = isObject ? objects[name as ObjectField] : draft[name];
    if (value === undefined) continue;
    if (text.length > 1) text += ',';
    text += prefix;
    text += isObject || typeof value !== 'string' ? value : quoted(value);
  }
  return `${text}}`;
}

/** A member of the canonical form of an event. */
export interface CanonicalMember {
  /** Undefined: it is the version of the form. */
  field: CanonicalField | undefined;
  name: string;
  /** What stands before its value. The brace that opens the object takes the place of the first comma. */
  prefix: Buffer;
}

/** The members of the canonical form in its order: by the UTF-16 code units of their names, as RFC 8785 wants it. */
export const CANONICAL_MEMBERS: readonly CanonicalMember[] = [
  ...CANONICAL_FIELDS.map((field) => ({ field, name: columnOf(field) as string })),
  { field: undefined, name: 'v' },
]
  .sort((one, other) => (one.name < other.name ? -1 : 1))
  .map((member) => ({ ...member, prefix: Buffer.from(`,"${member.name}":`) }));

export const VERSION = 0x31;
export const OPENING_BRACE = 0x7b;
export const CLOSING_BRACE = 0x7d;

const FIRST_BYTES = 16_384;
const MOST_KEPT_BYTES = 262_144;
/** For longer texts the built-in functions are faster than a loop. */
const MAX_LOOP = 80;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;

/** How a value of each kind is written; undefined: the canonical form does not have it. */
const FORMS: Record<Kind, 'text' | 'time' | 'object' | undefined> = {
  text: 'text',
  address: 'text',
  eventType: 'text',
  outcome: 'text',
  severity: 'text',
  id: 'text',
  salt: 'text',
  time: 'time',
  object: 'object',
  position: undefined,
  hash: undefined,
};

/** The steps of the writer, one for each member: a text, a time, an object that is JSON already, or the version. */
const STEPS = CANONICAL_MEMBERS.map(({ field, prefix }) => ({
  field: field as CanonicalField,
  prefix,
  form: field === undefined ? 'version' : FORMS[EVENT_FIELDS[field].kind],
}));

/**
 * The canonical form of an event: JCS of its snake_case record with `v` = 1, absent values left out. Its UTF-8 bytes
 * are hashed, and are a line of an NDJSON export.
 */
export function canonicalEvent(event: EventRecord): Buffer {
  return Buffer.from(canonicalRecord(event, canonicalObjects(event)));
}

/**
 * `canonicalEvent` of an event whose objects are in their canonical form already: a view that the next call writes over.
 */
export function canonicalRecord(event: EventRecord, objects: CanonicalObjects): Uint8Array {
  return writer.record(event, objects);
}

/** Writes canonical forms as bytes, one at a time. This is faster than to join texts and encode them. */
class CanonicalWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  record(event: EventRecord, objects: CanonicalObjects): Uint8Array {
    this.#at = 0;
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    for (const { field, prefix, form } of STEPS) {
      switch (form) {
        case 'text':
          this.#text(prefix, event[field] as string | undefined);
          break;
        case 'time':
          this.#text(prefix, formatTime(event[field] as number));
          break;
        case 'object':
          this.#object(prefix, objects[field as ObjectField]);
          break;
        case 'version':
          this.#prefix(prefix);
          this.#byte(VERSION);
      }
    }
    this.#byte(CLOSING_BRACE);
    this.#bytes[0] = OPENING_BRACE;
    return this.#bytes.subarray(0, this.#at);
  }

  #text(prefix: Buffer, text: string | undefined): void {
    if (text === undefined) return;
    this.#prefix(prefix);
    if (text.length > MAX_LOOP || !this.#plain(text)) this.#encode(quoted(text));
  }

  #object(prefix: Buffer, json: string | undefined): void {
    if (json === undefined) return;
    this.#prefix(prefix);
    this.#encode(json);
  }

  #prefix(prefix: Buffer): void {
    this.#reserve(prefix.length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < prefix.length; index += 1) bytes[at++] = prefix[index] as number;
    this.#at = at;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Writes a text that needs no escapes, in quotes. Returns false for any other and writes nothing. */
  #plain(text: string): boolean {
    this.#reserve(text.length + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return false;
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
    return true;
  }

  #encode(text: string): void {
    this.#reserve(3 * text.length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

const writer = new CanonicalWriter();
