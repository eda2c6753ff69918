import { createHash } from 'node:crypto';
import { MAX_JSON_VALUES } from '../../events/bounds.ts';
import type { JsonObject, JsonValue } from '../../events/event.ts';
import { isObject } from './record.ts';

/** What is left of the members and elements that the log takes for what stands around the record. */
const MAX_DETAILS_VALUES = MAX_JSON_VALUES - 1_000;

/**
 * `details` within `maxBytes` of JSON and the number of values that the log takes. When they are larger, the largest
 * members of the source record are replaced by a text that says how large they were, and a note gives the size and
 * the SHA-256 of the record as it was, so that the original can be recognised.
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
