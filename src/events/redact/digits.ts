import type { Span } from './spans.ts';

/** What may stand between the groups of a number, as a class in a regular expression: no line ends, for columns of numbers. */
export const SEPARATOR =
  '[\\t \\u00a0\\u1680\\u2000-\\u200f\\u202f\\u205f\\u2060\\u3000\\ufeff\\u00ad\\p{Pd}\\u2212_/.,:+|*·•‧∙]';

const NOT_ASCII = /[^\0-\x7f]/;
const OTHER_DIGITS = /(?![0-9])\p{Nd}|[\uff21-\uff3a]/u;
const DIGITS_AND_LETTERS = /(?![0-9])\p{Nd}|[\uff21-\uff3a]/gu;
const IS_DIGIT = /^\p{Nd}$/u;
// Each block of decimal digits has ten, one after the other, but for the five styles of the mathematical ones.
const MAX_BLOCK = 50;
const values = new Map<number, string>();

/** Adds what is found in a text, and in it with full-width letters and the decimal digits of all scripts as those of ASCII. */
export function findInDigits(text: string, find: (text: string, found: Span[]) => void, found: Span[]): void {
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
  // Those beyond the Basic Multilingual Plane were two units long, and are one.
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
