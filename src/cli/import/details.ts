import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from './input.ts';
import { isObject } from './record.ts';

/** The log takes about 256 KiB of details; the rest is left for what redaction and the envelope add. */
export const MAX_DETAILS_BYTES = 240_000;
/** The log takes 32 levels; what lies deeper is kept as JSON text. */
export const MAX_DETAILS_DEPTH = 28;

/**
 * `details` within the bounds of the log. What lies too deep becomes its JSON text; when it is still too large, the
 * largest members of `record` are replaced by a text that says how large they were. Both are said in `notes`, the
 * second with the SHA-256 of the record, so that the original can be recognised.
 */
export function fitDetails(details: JsonObject): JsonObject {
  const notes: string[] = [];
  const shallow = limitDepth(details, MAX_DETAILS_DEPTH, notes) as JsonObject;
  const fitted = byteLength(shallow) <= MAX_DETAILS_BYTES ? shallow : shrinkMembers(shallow, notes);
  return notes.length === 0 ? fitted : { ...fitted, notes: [...notesOf(fitted), ...new Set(notes)] };
}

function limitDepth(value: JsonValue, levels: number, notes: string[]): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) {
    notes.push(`what lies deeper than ${MAX_DETAILS_DEPTH} levels is kept as JSON text`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return value.map((element) => limitDepth(element, levels - 1, notes));
  const copy: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) define(copy, key, limitDepth(inner, levels - 1, notes));
  return copy;
}

/** Assigning to `__proto__` would set the prototype and lose the member; defining it keeps it for the log to judge. */
function define(target: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function shrinkMembers(details: JsonObject, notes: string[]): JsonObject {
  const key = isObject(details.record) ? 'record' : Object.keys(details).sort(bySize(details))[0];
  if (key === undefined) return details;
  const whole = details[key] ?? null;
  const text = JSON.stringify(whole);
  const sha256 = createHash('sha256').update(text).digest('hex');
  notes.push(`${key} was ${Buffer.byteLength(text)} bytes, more than the log keeps; sha256 ${sha256}`);
  if (!isObject(whole)) return { ...details, [key]: leftOut(whole) };
  return { ...details, [key]: leaveOutLargest(whole, byteLength(details) - MAX_DETAILS_BYTES) };
}

function leaveOutLargest(record: JsonObject, excessBytes: number): JsonObject {
  const copy = { ...record };
  let excess = excessBytes;
  for (const key of Object.keys(record).sort(bySize(record))) {
    if (excess <= 0) break;
    const replacement = leftOut(record[key] ?? null);
    excess -= byteLength(record[key] ?? null) - byteLength(replacement);
    define(copy, key, replacement);
  }
  return copy;
}

function bySize(object: JsonObject): (one: string, other: string) => number {
  return (one, other) => byteLength(object[other] ?? null) - byteLength(object[one] ?? null);
}

function leftOut(value: JsonValue): string {
  return `[left out by the import: ${byteLength(value)} bytes of JSON]`;
}

function notesOf(details: JsonObject): JsonValue[] {
  return Array.isArray(details.notes) ? details.notes : [];
}

function byteLength(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}
