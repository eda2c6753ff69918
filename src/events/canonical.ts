import type { EventRecord, JsonObject, JsonValue } from './event.ts';

/**
 * The RFC 8785 (JCS) form of a JSON value: keys in UTF-16 order, numbers and strings as ECMAScript prints them.
 * The value must have been checked: no lone surrogates, no infinities, bounded depth.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return canonicalObject(value);
}

function canonicalObject(object: JsonObject): string {
  const keys = Object.keys(object).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] as JsonValue)}`).join(',')}}`;
}

/** The canonical JSON of the objects of an event. */
export interface CanonicalObjects {
  details: string;
  oldValues: string | undefined;
  newValues: string | undefined;
}

/** The objects of an event in their canonical form. */
export function canonicalObjects({ details, oldValues, newValues }: EventRecord): CanonicalObjects {
  return {
    details: canonicalObject(details),
    oldValues: oldValues && canonicalObject(oldValues),
    newValues: newValues && canonicalObject(newValues),
  };
}

/**
 * The canonical form of an event: JCS of its snake_case record with `v` = 1, absent values left out. Its UTF-8 bytes
 * are what is hashed, and a line of an NDJSON export. The members stand in JCS order already.
 */
export function canonicalEvent(event: EventRecord): string {
  return canonicalRecord(event, canonicalObjects(event));
}

/** `canonicalEvent` of an event whose objects are there in their canonical form. */
export function canonicalRecord(event: EventRecord, json: CanonicalObjects): string {
  let text = `{"action":${JSON.stringify(event.action)}`;
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) text += `,"${name}":${JSON.stringify(value)}`;
  };
  const addObject = (name: string, value: string | undefined) => {
    if (value !== undefined) text += `,"${name}":${value}`;
  };
  add('customer_id', event.customerId);
  add('description', event.description);
  addObject('details', json.details);
  add('event_type', event.eventType);
  add('id', event.id);
  add('ip_address', event.ipAddress);
  addObject('new_values', json.newValues);
  addObject('old_values', json.oldValues);
  add('outcome', event.outcome);
  add('recorded_at', formatTime(event.recordedAt));
  add('request_id', event.requestId);
  add('resource_id', event.resourceId);
  add('resource_type', event.resourceType);
  add('salt', event.salt);
  add('session_id', event.sessionId);
  add('severity', event.severity);
  add('timestamp', formatTime(event.timestamp));
  add('user_agent', event.userAgent);
  add('user_id', event.userId);
  return `${text},"v":1}`;
}

/** RFC 3339 in UTC with milliseconds, from milliseconds since 1970. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
