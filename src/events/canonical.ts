import type { EventDraft, JsonObject, JsonValue } from './event.ts';

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
