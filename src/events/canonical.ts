import type { EventDraft, EventRecord, JsonObject, JsonValue } from './fields.ts';
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

// For the few keys that most objects have, quicker than to sort a copy of them, as `sort` does.
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

/** A text as it stands in JSON. Most need no call of JSON.stringify for it. */
export function quoted(text: string): string {
  return MAY_NEED_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The canonical JSON of the objects of an event. */
export interface CanonicalObjects {
  details: string;
  oldValues: string | undefined;
  newValues: string | undefined;
}

/** The objects of an event in their canonical form. */
export function canonicalObjects({
  details,
  oldValues,
  newValues,
}: Pick<EventDraft, 'details' | 'oldValues' | 'newValues'>): CanonicalObjects {
  return {
    details: canonicalObject(details),
    oldValues: oldValues && canonicalObject(oldValues),
    newValues: newValues && canonicalObject(newValues),
  };
}

/** The JCS of a draft, absent values left out, whose objects are in their canonical form already. */
export function canonicalDraft(draft: EventDraft, json: CanonicalObjects): string {
  return (
    `{"action":${quoted(draft.action)}` +
    member('customerId', draft.customerId) +
    member('description', draft.description) +
    jsonMember('details', json.details) +
    member('eventType', draft.eventType) +
    member('idempotencyKey', draft.idempotencyKey) +
    member('ipAddress', draft.ipAddress) +
    jsonMember('newValues', json.newValues) +
    jsonMember('oldValues', json.oldValues) +
    member('outcome', draft.outcome) +
    member('requestId', draft.requestId) +
    member('resourceId', draft.resourceId) +
    member('resourceType', draft.resourceType) +
    member('sessionId', draft.sessionId) +
    member('severity', draft.severity) +
    jsonMember('timestamp', draft.timestamp?.toString()) +
    member('userAgent', draft.userAgent) +
    member('userId', draft.userId) +
    '}'
  );
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${quoted(value)}`;
}

function jsonMember(name: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${name}":${json}`;
}

const FIRST_BYTES = 16_384;
const MOST_KEPT_BYTES = 262_144;
/** A longer text is looked through and encoded faster by what is built in. */
const MAX_LOOP = 80;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;

// In JCS order.
const ACTION = Buffer.from('{"action":');
const CUSTOMER_ID = named('customer_id');
const DESCRIPTION = named('description');
const DETAILS = named('details');
const EVENT_TYPE = named('event_type');
const ID = named('id');
const IP_ADDRESS = named('ip_address');
const NEW_VALUES = named('new_values');
const OLD_VALUES = named('old_values');
const OUTCOME = named('outcome');
const RECORDED_AT = named('recorded_at');
const REQUEST_ID = named('request_id');
const RESOURCE_ID = named('resource_id');
const RESOURCE_TYPE = named('resource_type');
const SALT = named('salt');
const SESSION_ID = named('session_id');
const SEVERITY = named('severity');
const TIMESTAMP = named('timestamp');
const USER_AGENT = named('user_agent');
const USER_ID = named('user_id');
const END = Buffer.from(',"v":1}');

/**
 * The canonical form of an event: JCS of its snake_case record with `v` = 1, absent values left out. Its UTF-8 bytes
 * are what is hashed, and a line of an NDJSON export.
 */
export function canonicalEvent(event: EventRecord): Buffer {
  return Buffer.from(canonicalRecord(event, canonicalObjects(event)));
}

/**
 * `canonicalEvent` of an event whose objects are in their canonical form already: a view that the next call writes over.
 */
export function canonicalRecord(event: EventRecord, json: CanonicalObjects): Uint8Array {
  return writer.record(event, json);
}

/** Writes canonical forms, one at a time, as bytes: to put texts together and encode them would take longer. */
class CanonicalWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  record(event: EventRecord, json: CanonicalObjects): Uint8Array {
    this.#at = 0;
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.#text(ACTION, event.action);
    this.#text(CUSTOMER_ID, event.customerId);
    this.#text(DESCRIPTION, event.description);
    this.#json(DETAILS, json.details);
    this.#text(EVENT_TYPE, event.eventType);
    this.#text(ID, event.id);
    this.#text(IP_ADDRESS, event.ipAddress);
    this.#json(NEW_VALUES, json.newValues);
    this.#json(OLD_VALUES, json.oldValues);
    this.#text(OUTCOME, event.outcome);
    this.#text(RECORDED_AT, formatTime(event.recordedAt));
    this.#text(REQUEST_ID, event.requestId);
    this.#text(RESOURCE_ID, event.resourceId);
    this.#text(RESOURCE_TYPE, event.resourceType);
    this.#text(SALT, event.salt);
    this.#text(SESSION_ID, event.sessionId);
    this.#text(SEVERITY, event.severity);
    this.#text(TIMESTAMP, formatTime(event.timestamp));
    this.#text(USER_AGENT, event.userAgent);
    this.#text(USER_ID, event.userId);
    this.#name(END);
    return this.#bytes.subarray(0, this.#at);
  }

  #text(name: Buffer, text: string | undefined): void {
    if (text === undefined) return;
    this.#name(name);
    if (text.length > MAX_LOOP || !this.#plain(text)) this.#encode(quoted(text));
  }

  #json(name: Buffer, json: string | undefined): void {
    if (json === undefined) return;
    this.#name(name);
    this.#encode(json);
  }

  #name(name: Buffer): void {
    this.#reserve(name.length);
    let at = this.#at;
    for (let index = 0; index < name.length; index += 1) this.#bytes[at++] = name[index] as number;
    this.#at = at;
  }

  /** Writes a text that stands in JSON as it is, in quotes; false, and nothing is written, for any other. */
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

function named(name: string): Buffer {
  return Buffer.from(`,"${name}":`);
}

const writer = new CanonicalWriter();
