import { AI } from './providers/ai.ts';
import { CLOUD } from './providers/cloud.ts';
import { CODE } from './providers/code.ts';
import { DATA } from './providers/data.ts';
import { MESSAGING } from './providers/messaging.ts';
import { PAYMENTS } from './providers/payments.ts';
import {
  bitOf,
  bitsAt,
  type Form,
  type FormPart,
  type Provider,
  parseForm,
  WORD_BIT,
} from './token-forms.ts';

/** All providers with known forms of tokens. */
export const PROVIDERS: readonly Provider[] = [...CLOUD, ...CODE, ...AI, ...PAYMENTS, ...MESSAGING, ...DATA];

/** A form with a symbol in it, and the distance from the start of the form to the symbol. */
export interface FormWithSymbol {
  form: Form;
  symbol: string;
  back: number;
}

type FormTable = (readonly Form[] | undefined)[];

/** The index for characters that are not ASCII symbols, and for forms without a particular symbol. */
export const ANY_SYMBOL = 128;
/** The longest word at the start of a form. */
export const MAX_WORD = 100;
const WORD_ALPHABETS = new Set(['digit', 'hex', 'xdigit', 'lower', 'upper', 'base32', 'alnum'].map(bitOf));
const HASHES = 4096;

/** 1 if a form begins with two characters. The index is the code of the first, times 128, plus that of the second. */
export const IS_START = new Uint8Array(128 * 128);
/** The forms by the hash of their first two, three or four characters. */
export const BY_TWO: FormTable = new Array(HASHES).fill(undefined);
export const BY_THREE: FormTable = new Array(HASHES).fill(undefined);
export const BY_FOUR: FormTable = new Array(HASHES).fill(undefined);
/** The forms whose first word has no fixed start, by `wordIndex`. */
export const BY_WORD: FormTable = new Array(wordIndex(MAX_WORD + 1, 0)).fill(undefined);
/** The other forms, by a symbol in them. */
export const BY_SYMBOL: (readonly FormWithSymbol[] | undefined)[] = new Array(ANY_SYMBOL).fill(undefined);

for (const { forms, weak = [] } of PROVIDERS) {
  for (const notation of forms) parseForm(notation, false).forEach(enter);
  for (const notation of weak) parseForm(notation, true).forEach(enter);
}

/** The hash of up to four characters. */
export function hashOf(a: number, b: number, c: number, d: number): number {
  return Math.imul(a | (b << 7) | (c << 14) | (d << 21), 0x9e3779b1) >>> 20;
}

/** The index of words with a length before a symbol. */
export function wordIndex(length: number, symbol: number): number {
  return length * (ANY_SYMBOL + 1) + symbol;
}

function enter(form: Form): void {
  const [first, second] = form.parts as [FormPart, FormPart | undefined];
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
  /** The symbol that must follow, or ANY_SYMBOL. */
  symbol: number;
}

function enterByWord(form: Form, { least, most, symbol }: FirstWord): void {
  for (let length = least; length <= most; length += 1) {
    if (symbol !== ANY_SYMBOL) add(BY_WORD, wordIndex(length, symbol), form);
    else for (let code = 0; code <= ANY_SYMBOL; code += 1) add(BY_WORD, wordIndex(length, code), form);
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
    const at = symbolIn(part.literal);
    if (at >= 0) {
      const entry = { form, symbol: part.literal.slice(at), back: back + at };
      const code = part.literal.charCodeAt(at);
      BY_SYMBOL[code] = [...(BY_SYMBOL[code] ?? []), entry];
      return;
    }
    back += part.literal.length;
  }
  throw new Error(`no word or symbol identifies the form ${JSON.stringify(form)}`);
}

/** The first word of a form that begins with a run; undefined when the run may contain characters other than those of words. */
function firstWordOf(parts: readonly FormPart[]): FirstWord | undefined {
  let least = 0;
  let most = 0;
  for (const part of parts) {
    if (part.literal === undefined) {
      if (!WORD_ALPHABETS.has(part.bit)) return undefined;
      least += part.min;
      most += part.max;
      continue;
    }
    const symbol = symbolIn(part.literal);
    const length = symbol < 0 ? part.literal.length : symbol;
    least += length;
    most += length;
    if (symbol >= 0) return { least, most, symbol: part.literal.charCodeAt(symbol) };
  }
  return { least, most, symbol: ANY_SYMBOL };
}

function symbolIn(literal: string): number {
  return [...literal].findIndex((character) => (bitsAt(character, 0) & WORD_BIT) === 0);
}

function add(table: FormTable, index: number, form: Form): void {
  table[index] = [...(table[index] ?? []), form];
}
