import { bitOf, bitsAt, WORD_BIT } from './alphabets.ts';
import { type Form, type Part, parseForm } from './forms.ts';
import { PROVIDERS } from './providers/all.ts';

/** A form with a sign in it, and how far before that sign it begins. */
export interface Signed {
  form: Form;
  sign: string;
  back: number;
}

type Table = (readonly Form[] | undefined)[];

/** The index of what is no sign of ASCII, or of none in particular. */
export const ANY_SIGN = 128;
/** A longer word is none that a form begins with. */
export const MAX_WORD = 100;
const WORD_ALPHABETS = new Set(['digit', 'hex', 'xdigit', 'lower', 'upper', 'base32', 'alnum'].map(bitOf));
const HASHES = 4096;

/** Whether a form begins with two characters: their codes, the first times 128. */
export const IS_START = new Uint8Array(128 * 128);
/** The forms by the hash of their first four characters, or of the two or three that they begin with. */
export const BY_TWO: Table = new Array(HASHES).fill(undefined);
export const BY_THREE: Table = new Array(HASHES).fill(undefined);
export const BY_FOUR: Table = new Array(HASHES).fill(undefined);
/** The forms whose first word has no fixed beginning, by `wordIndex`. */
export const BY_WORD: Table = new Array(wordIndex(MAX_WORD + 1, 0)).fill(undefined);
/** The other forms, by a sign in them. */
export const BY_SIGN: (readonly Signed[] | undefined)[] = new Array(ANY_SIGN).fill(undefined);

for (const { forms, weak = [] } of PROVIDERS) {
  for (const notation of forms) parseForm(notation, false).forEach(enter);
  for (const notation of weak) parseForm(notation, true).forEach(enter);
}

/** The hash of up to four characters. */
export function hashOf(a: number, b: number, c: number, d: number): number {
  return Math.imul(a | (b << 7) | (c << 14) | (d << 21), 0x9e3779b1) >>> 20;
}

/** The place of words of a length before a sign. */
export function wordIndex(length: number, sign: number): number {
  return length * (ANY_SIGN + 1) + sign;
}

function enter(form: Form): void {
  const [first, second] = form.parts as [Part, Part | undefined];
  const word = first.literal === undefined ? firstWordOf(form.parts) : undefined;
  if (word !== undefined) enterByWord(form, word);
  else if (first.literal === undefined || (bitsAt(first.literal, 0) & WORD_BIT) === 0) enterBySign(form);
  else if (first.literal.length > 1) enterByStart(form, first.literal);
  else if (second !== undefined && second.literal === undefined) {
    for (let code = 0; code < 128; code += 1) {
      const next = String.fromCharCode(code);
      if ((bitsAt(next, 0) & second.bit) !== 0) enterByStart(form, first.literal + next);
    }
  }
}

function enterByStart(form: Form, head: string): void {
  const table = head.length === 2 ? BY_TWO : head.length === 3 ? BY_THREE : BY_FOUR;
  const codes = [...head.slice(0, 4)].map((character) => character.charCodeAt(0));
  const [a = 0, b = 0, c = 0, d = 0] = codes;
  IS_START[a * 128 + b] = 1;
  add(table, hashOf(a, b, c, d), form);
}

interface FirstWord {
  least: number;
  most: number;
  /** The sign that must follow, or ANY_SIGN. */
  sign: number;
}

function enterByWord(form: Form, { least, most, sign }: FirstWord): void {
  for (let length = least; length <= most; length += 1) {
    if (sign !== ANY_SIGN) add(BY_WORD, wordIndex(length, sign), form);
    else for (let code = 0; code <= ANY_SIGN; code += 1) add(BY_WORD, wordIndex(length, code), form);
  }
}

function enterBySign(form: Form): void {
  let back = 0;
  for (const part of form.parts) {
    if (part.literal === undefined) {
      if (part.min !== part.max) break;
      back += part.min;
      continue;
    }
    const at = signOf(part.literal);
    if (at >= 0) {
      const signed = { form, sign: part.literal.slice(at), back: back + at };
      const code = part.literal.charCodeAt(at);
      BY_SIGN[code] = [...(BY_SIGN[code] ?? []), signed];
      return;
    }
    back += part.literal.length;
  }
  throw new Error(`nothing gives ${JSON.stringify(form)} away`);
}

/** The first word of a form that begins with a run: undefined when that run may have other characters than words have. */
function firstWordOf(parts: readonly Part[]): FirstWord | undefined {
  let least = 0;
  let most = 0;
  for (const part of parts) {
    if (part.literal === undefined) {
      if (!WORD_ALPHABETS.has(part.bit)) return undefined;
      least += part.min;
      most += part.max;
      continue;
    }
    const sign = signOf(part.literal);
    const length = sign < 0 ? part.literal.length : sign;
    least += length;
    most += length;
    if (sign >= 0) return { least, most, sign: part.literal.charCodeAt(sign) };
  }
  return { least, most, sign: ANY_SIGN };
}

function signOf(literal: string): number {
  return [...literal].findIndex((character) => (bitsAt(character, 0) & WORD_BIT) === 0);
}

function add(table: Table, index: number, form: Form): void {
  table[index] = [...(table[index] ?? []), form];
}
