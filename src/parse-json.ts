import { randomUUID } from 'node:crypto';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

/** Where a key stands in the text, with its quotes. */
type Span = readonly [start: number, end: number];

/**
 * `JSON.parse`, but right for keys with escapes: from Node 24 on, a key such as `"\n"` may come out as another one that
 * was parsed before (nodejs/node#63785). Texts without such keys, nearly all, go through `JSON.parse` as they are.
 * Throws a SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const spans = text.includes('\\') ? escapedKeys(text) : [];
  return spans.length === 0 ? JSON.parse(text) : parseAround(text, spans);
}

// One pass: a text that is not JSON must not cost more than one that is.
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

// Each key gives way to one without escapes that is nowhere else in the text; strings by themselves are parsed rightly.
function parseAround(text: string, spans: readonly Span[]): unknown {
  const mark = randomUUID();
  const names = new Map<string, string>();
  // The same key has the same placeholder: each other one is another shape of objects to V8.
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

/** A number of JSON text, as it is written there, whose value a double cannot hold. */
export class InexactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** As many digits survive the way into a double and back (C's DBL_DIG). */
const SURE_DIGITS = 15;
const EXPONENT = /[eE]/;

/**
 * Whether a double keeps the value of a number as JSON or GraphQL writes it: JavaScript prints the same decimal then,
 * though perhaps not in the same way (`1.10` is `1.1`).
 */
export function isExactNumber(token: string): boolean {
  if (token.length <= SURE_DIGITS && !EXPONENT.test(token)) return true;
  const value = Number(token);
  const printed = String(value);
  return printed === token || (Number.isFinite(value) && decimalOf(printed) === decimalOf(token));
}

/** The one way of writing a decimal: its significant digits and a power of ten. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  let start = 0;
  while (digits[start] === '0') start += 1;
  // An expression such as /0+$/ would look at the same zeros again and again.
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end -= 1;
  if (start === end) return '0';
  return `${sign}${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

/**
 * `parseJson`, with an `InexactNumber` in the place of each number that a double would change. It takes about three times
 * as long as `parseJson`: for texts that are known to have such a number.
 */
export function parseInexactJson(text: string): unknown {
  const mark = `${randomUUID()}:`;
  const marked = replaceNumbers(text, (token) => (isExactNumber(token) ? token : `"${mark}${token}"`));
  return withNumbers(parseJson(marked), mark);
}

/** JSON text with something else in the place of its numbers. In linear time; what is no JSON stays none. */
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
