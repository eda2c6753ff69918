import type { Span } from './replacement.ts';

/** A text without its escapes, and the offset of each of its characters in the original text. */
export interface DecodedText {
  text: string;
  offsets: Int32Array;
}

type Find = (text: string, found: Span[]) => unknown;

// A URL in a URL is escaped twice (%253D): two layers.
const MAX_LAYERS = 3;
const IS_ESCAPED = /%[0-9A-Fa-f]{2}|\\[u/"\\bfnrt]/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+|\\(?:u[0-9A-Fa-f]{4}|[/"\\bfnrt])/g;
const CONTROLS = new Map([...'bfnrt'].map((letter, index) => [letter, '\b\f\n\r\t'[index] as string]));

/** Runs `find` on each view of a text, and adds the spans in the original text. */
export function findInViews(views: readonly DecodedText[], find: Find, found: Span[]): void {
  for (const view of views) {
    const inView: Span[] = [];
    find(view.text, inView);
    for (const { start, end } of inView) {
      found.push({ start: view.offsets[start] as number, end: view.offsets[end] as number });
    }
  }
}

/** The text without percent-encoding and JSON escapes, one view for each layer. */
export function decodedViewsOf(text: string): readonly DecodedText[] {
  const views: DecodedText[] = [];
  let layer: DecodedText | undefined;
  for (let depth = 0; depth < MAX_LAYERS && IS_ESCAPED.test(layer?.text ?? text); depth += 1) {
    layer = unescaped(layer?.text ?? text, layer?.offsets);
    views.push(layer);
  }
  return views;
}

function unescaped(text: string, before: Int32Array | undefined): DecodedText {
  const offsets = new Int32Array(text.length + 1);
  const pieces: string[] = [];
  let length = 0;
  let rest = 0;
  const keep = (piece: string, from: number, step: number) => {
    pieces.push(piece);
    for (let at = 0; at < piece.length; at += 1) offsets[length + at] = from + at * step;
    length += piece.length;
  };
  for (const { 0: escaped, index } of text.matchAll(ESCAPES)) {
    keep(text.slice(rest, index), rest, 1);
    rest = index + escaped.length;
    if (escaped.startsWith('%')) {
      const bytes = Buffer.from(escaped.replaceAll('%', ''), 'hex');
      for (let at = 0; at < bytes.length; ) {
        const size = sizeOf(bytes, at);
        keep(bytes.toString('utf8', at, at + size), index + 3 * at, 0);
        at += size;
      }
    } else if (escaped[1] === 'u') keep(String.fromCharCode(Number.parseInt(escaped.slice(2), 16)), index, 0);
    else keep(CONTROLS.get(escaped[1] as string) ?? (escaped[1] as string), index, 0);
  }
  keep(text.slice(rest), rest, 1);
  offsets[length] = text.length;
  if (before) for (let at = 0; at <= length; at += 1) offsets[at] = before[offsets[at] as number] as number;
  return { text: pieces.join(''), offsets };
}

/** The number of bytes of the UTF-8 character that begins here; 1 for invalid bytes. */
function sizeOf(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const size = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
  for (let next = at + 1; next < at + size; next += 1) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 1;
  }
  return size;
}

/** A class of a regular expression: separators between groups of digits. Without line ends, since columns of numbers have these. */
export const SEPARATOR =
  '[\\t \\u00a0\\u1680\\u2000-\\u200f\\u202f\\u205f\\u2060\\u3000\\ufeff\\u00ad\\p{Pd}\\u2212_/.,:+|*·•‧∙]';

const NOT_ASCII = /[^\0-\x7f]/;
const OTHER_DIGITS = /(?![0-9])\p{Nd}|[\uff21-\uff3a]/u;
const DIGITS_AND_LETTERS = /(?![0-9])\p{Nd}|[\uff21-\uff3a]/gu;
const IS_DIGIT = /^\p{Nd}$/u;
// Decimal digits come in blocks of ten, 0 first; the five styles of mathematical digits are adjacent.
const MAX_BLOCK = 50;
const values = new Map<number, string>();

/** Runs `find` on the text, and on the text with full-width letters and all decimal digits converted to ASCII. */
export function findWithAsciiDigits(
  text: string,
  find: (text: string, found: Span[]) => void,
  found: Span[],
): void {
  find(text, found);
  if (!NOT_ASCII.test(text) || !OTHER_DIGITS.test(text)) return;
  const pieces: string[] = [];
  const wide: number[] = [];
  let rest = 0;
  let length = 0;
  for (const { 0: character, index } of text.matchAll(DIGITS_AND_LETTERS)) {
    pieces.push(text.slice(rest, index), inAscii(character.codePointAt(0) as number));
    length += index - rest + 1;
    rest = index + character.length;
    if (character.length === 2) wide.push(length);
  }
  pieces.push(text.slice(rest));
  const inFolded: Span[] = [];
  find(pieces.join(''), inFolded);
  // A digit beyond the Basic Multilingual Plane has two code units, and its ASCII digit one.
  let passed = 0;
  const original = (offset: number) => {
    while (passed < wide.length && (wide[passed] as number) <= offset) passed += 1;
    return offset + passed;
  };
  inFolded.sort((a, b) => a.start - b.start);
  for (const { start, end } of inFolded) found.push({ start: original(start), end: original(end) });
}

function inAscii(code: number): string {
  const known = values.get(code);
  if (known !== undefined) return known;
  let value = String.fromCharCode(code - 0xfee0);
  if (IS_DIGIT.test(String.fromCodePoint(code))) {
    let first = code;
    while (code - first < MAX_BLOCK && IS_DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
    value = String((code - first) % 10);
  }
  values.set(code, value);
  return value;
}
