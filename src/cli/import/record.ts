import type { JsonObject, JsonValue } from '../../events/event.ts';

/** Whether a JSON value is an object (and no array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The member `name` of a source record. Pipelines that pass logs through a database hand them on with lower-case
 * names (`eventname`), so that is looked for too.
 */
export function member(record: JsonValue | undefined, name: string): JsonValue | undefined {
  if (!isObject(record)) return undefined;
  if (Object.hasOwn(record, name)) return record[name];
  const lower = name.toLowerCase();
  return Object.hasOwn(record, lower) ? record[lower] : undefined;
}

/** The value at `path` (names joined by dots; a number is an array index), or undefined. */
export function at(record: JsonValue | undefined, path: string): JsonValue | undefined {
  let value = record;
  for (const name of path.split('.')) {
    value = Array.isArray(value) ? value[Number(name)] : member(value, name);
  }
  return value;
}

/** The text at `path`; numbers as text; undefined when it is absent, blank, or something else. */
export function textAt(record: JsonValue | undefined, path: string): string | undefined {
  const value = at(record, path);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** The first of several paths that holds a text. */
export function firstText(record: JsonValue | undefined, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const text = textAt(record, path);
    if (text !== undefined) return text;
  }
  return undefined;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The UUID at `path`; other texts are no id that its source promises to be unique. */
export function uuidAt(record: JsonValue | undefined, path: string): string | undefined {
  const text = textAt(record, path);
  return text !== undefined && UUID.test(text) ? text.toLowerCase() : undefined;
}
