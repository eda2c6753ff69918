import { MAX_JSON_DEPTH } from '../../events/bounds.ts';
import type { JsonObject, JsonValue } from '../../events/event.ts';

/** What is left of the levels that the log takes for what stands around the record; deeper is kept as JSON text. */
export const MAX_DETAILS_DEPTH = MAX_JSON_DEPTH - 4;

/**
 * A text that the log can keep: it refuses NUL and lone surrogates, which an attacker can put into a name or a user
 * agent, and then the event would be missing. They become U+2400 and U+FFFD, with a note.
 */
export function storableText(text: string, notes: Set<string>): string {
  if (!text.includes('\0') && text.isWellFormed()) return text;
  notes.add(
    'NUL characters and lone surrogates, which the log cannot keep, were replaced by U+2400 and U+FFFD',
  );
  return text.toWellFormed().replaceAll('\0', '\u2400');
}

/** A copy of a JSON value that the log can keep; every change is said in `notes`. */
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
