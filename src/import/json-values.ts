import type { JsonObject, JsonValue } from '../events/fields.ts';
import { isExactNumber, parseJson, replaceNumbers } from '../parse-json.ts';

/** Whether a JSON value is an object and not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The member `name` of a source record, or the member with the lower-case name (`eventname`), as pipelines write it that
 * pass logs through a database.
 */
export function member(record: JsonValue | undefined, name: string): JsonValue | undefined {
  if (!isObject(record)) return undefined;
  if (Object.hasOwn(record, name)) return record[name];
  const lower = name.toLowerCase();
  return Object.hasOwn(record, lower) ? record[lower] : undefined;
}

/** The value at `path` (names joined by dots; a number is an array index), or undefined. */
export function valueAt(record: JsonValue | undefined, path: string): JsonValue | undefined {
  let value = record;
  for (const name of path.split('.')) {
    value = Array.isArray(value) ? value[Number(name)] : member(value, name);
  }
  return value;
}

/** The text at `path`; numbers as text; undefined when it is absent, blank, or something else. */
export function textAt(record: JsonValue | undefined, path: string): string | undefined {
  const value = valueAt(record, path);
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

/** The UUID at `path`, in lower case; undefined for other texts, which may not be unique. */
export function uuidAt(record: JsonValue | undefined, path: string): string | undefined {
  const text = textAt(record, path);
  return text !== undefined && UUID.test(text) ? text.toLowerCase() : undefined;
}

/** Parsed JSON, and whether numbers in it became strings because JavaScript cannot represent them. */
export interface ParsedJson {
  value: JsonValue;
  /** The path of the first such number, for example `details.list[3]`; undefined: there is none. */
  keptAsText: string | undefined;
}

const SUSPECT = /\d[\d.]{15}|\d[eE]/;

/** The deepest nesting of a source record. Functions that recurse over it would overflow the stack at some thousands. */
const MAX_DEPTH = 1_000;

/** JSON that is nested too deep to be read. */
export class TooDeepError extends SyntaxError {
  override readonly name = 'TooDeepError';
  constructor() {
    super(`nested deeper than ${MAX_DEPTH} levels`);
  }
}

/**
 * Parses JSON without rounding numbers: an integer beyond 2^53 - 1, and any other number that a double cannot represent
 * exactly, becomes a string with the same digits. Throws a SyntaxError when the text is not JSON, and a TooDeepError.
 */
export function parseExactly(text: string): ParsedJson {
  if (isTooDeep(text)) throw new TooDeepError();
  const value = parseJson(text) as JsonValue;
  if (!SUSPECT.test(text)) return { value, keptAsText: undefined };
  let first: string | undefined;
  const safe = replaceNumbers(text, (token) => {
    if (isKept(token)) return token;
    first ??= token;
    return `"${token}"`;
  });
  if (first === undefined) return { value, keptAsText: undefined };
  const exact = parseJson(safe) as JsonValue;
  return { value: exact, keptAsText: pathOf(exact, first) };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

function isTooDeep(text: string): boolean {
  // Each level takes a bracket at its beginning and one at its end.
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; at += 1)
        if (text.charCodeAt(at) === BACKSLASH) at += 1;
    } else if (OPENING.has(code)) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (CLOSING.has(code)) depth -= 1;
  }
  return false;
}

function isKept(token: string): boolean {
  const number = Number(token);
  return (!Number.isInteger(number) || Number.isSafeInteger(number)) && isExactNumber(token);
}

function pathOf(value: JsonValue, text: string): string {
  const places: { value: JsonValue; path: string }[] = [{ value, path: '' }];
  for (let place = places.pop(); place; place = places.pop()) {
    const { value, path } = place;
    if (value === text) return path;
    if (typeof value !== 'object' || value === null) continue;
    const members = Object.entries(value).map(([name, member]) => ({
      value: member,
      path: Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`,
    }));
    for (const member of members.reverse()) places.push(member);
  }
  return '';
}
