import { randomUUID } from 'node:crypto';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

/** The place of a key in the text, with its quotes. */
type Span = readonly [start: number, end: number];

/**
 * `JSON.parse` that is right for keys with escapes. In some versions of Node, 24.10 to 24.21 as far as seen, `JSON.parse` may
 * take a key such as `"\n"` for another key that it parsed before (nodejs/node#63785). Texts without such keys, nearly all, go
 * through `JSON.parse` unchanged.
 * Throws a SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const spans = text.includes('\\') ? escapedKeys(text) : [];
  return spans.length === 0 ? JSON.parse(text) : parseAround(text, spans);
}

// One pass, so that also a text that is not JSON takes linear time.
function escapedKeys(text: string): Span[] {
  const spans: Span[] = [];
  for (let start = text.indexOf('"'); start >= 0; ) {
    let end = start + 1;
    let isEscaped = false;
    for (; end < text.length && text.charCodeAt(end) !== QUOTE; end += 1) {
      if (text.charCodeAt(end) !== BACKSLASH) continue;
      isEscaped = true;
      end += 1;
    }
    if (isEscaped && isBeforeColon(text, end + 1)) spans.push([start, end + 1]);
    start = text.indexOf('"', end + 1);
  }
  return spans;
}

function isBeforeColon(text: string, start: number): boolean {
  let at = start;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return text.charCodeAt(at) === COLON;
}

// Replaces each key with escapes by a random placeholder, parses the text, and puts the keys back. The keys are parsed as
// strings, which `JSON.parse` does right.
function parseAround(text: string, spans: readonly Span[]): unknown {
  const mark = randomUUID();
  const names = new Map<string, string>();
  // The same key gets the same placeholder, so that equal objects have one shape in V8.
  const placeholders = new Map<string, string>();
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of spans) {
    const key = text.slice(start, end);
    let placeholder = placeholders.get(key);
    if (placeholder === undefined) {
      placeholder = `${mark}:${names.size}`;
      names.set(placeholder, JSON.parse(key) as string);
      placeholders.set(key, placeholder);
    }
    parts.push(text.slice(from, start), `"${placeholder}"`);
    from = end;
  }
  return named(JSON.parse(parts.join('') + text.slice(from)), names);
}

function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((element) => named(element, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [names.get(key) ?? key, named(member, names)]),
  );
}

/** A number of a JSON text whose value a double cannot hold, with its text. */
export class InexactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** So many digits survive the conversion to a double and back (C's DBL_DIG). */
const SURE_DIGITS = 15;
const EXPONENT = /[eE]/;

/**
 * Whether a double keeps the value of a number in JSON or GraphQL: then JavaScript prints the same decimal, though perhaps
 * in another form (`1.10` as `1.1`).
 */
export function isExactNumber(token: string): boolean {
  if (token.length <= SURE_DIGITS && !EXPONENT.test(token)) return true;
  const value = Number(token);
  const printed = String(value);
  return printed === token || (Number.isFinite(value) && decimalOf(printed) === decimalOf(token));
}

/** The normal form of a decimal: its significant digits and a power of ten. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  let start = 0;
  while (digits[start] === '0') start += 1;
  // A loop, since an expression such as /0+$/ takes quadratic time.
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end -= 1;
  if (start === end) return '0';
  return `${sign}${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

/**
 * `parseJson` with an `InexactNumber` in the place of each number that a double cannot hold. Takes about three times as long
 * as `parseJson`, so it is for texts that are known to have such a number.
 */
export function parseInexactJson(text: string): unknown {
  const mark = `${randomUUID()}:`;
  const marked = replaceNumbers(text, (token) => (isExactNumber(token) ? token : `"${mark}${token}"`));
  return withNumbers(parseJson(marked), mark);
}

/** Replaces the numbers of a JSON text, in linear time. A text that is not JSON stays invalid. */
export function replaceNumbers(text: string, replace: (token: string) => string): string {
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of numbersOf(text)) {
    const token = text.slice(start, end);
    const other = replace(token);
    if (other === token) continue;
    parts.push(text.slice(from, start), other);
    from = end;
  }
  return parts.join('') + text.slice(from);
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

function* numbersOf(text: string): Generator<Span> {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; at += 1)
        if (text.charCodeAt(at) === BACKSLASH) at += 1;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      NUMBER.lastIndex = at;
      if (!NUMBER.test(text)) continue;
      yield [at, NUMBER.lastIndex];
      at = NUMBER.lastIndex - 1;
    }
  }
}

function withNumbers(value: unknown, mark: string): unknown {
  if (typeof value === 'string')
    return value.startsWith(mark) ? new InexactNumber(value.slice(mark.length)) : value;
  if (Array.isArray(value)) return value.map((element) => withNumbers(element, mark));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withNumbers(member, mark)]));
}

/** The number of members of all objects in a parsed value. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof InexactNumber) return 0;
  const values = Object.values(value);
  let count = Array.isArray(value) ? 0 : values.length;
  for (const member of values) if (typeof member === 'object') count += countMembers(member);
  return count;
}
