import type { Span } from './replacement.ts';
import { bitsAt, endOfForm, type Form, WORD_BIT } from './token-forms.ts';
import {
  ANY_SYMBOL,
  BY_FOUR,
  BY_SYMBOL,
  BY_THREE,
  BY_TWO,
  BY_WORD,
  type FormWithSymbol,
  hashOf,
  IS_START,
  MAX_WORD,
  wordIndex,
} from './token-index.ts';

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;
// Files with AWS credentials contain the secret after the id.
const AWS_ID = /^A[KS]IA/;
const AWS_SECRET = /[^A-Za-z0-9/+]{1,12}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/y;

/**
 * Adds the spans of tokens with a known form, also of tokens in base64. Returns the kinds of characters in the text, as
 * `findForms` does.
 */
export function findTokens(text: string, found: Span[]): number {
  const seen = findForms(text, found, holdsToken);
  for (const span of found) {
    if (AWS_ID.test(text.slice(span.start, span.start + 4))) span.end = secretEnd(text, span.end);
  }
  return seen;
}

function holdsToken(text: string): boolean {
  const found: Span[] = [];
  findForms(text, found);
  return found.length > 0 || PRIVATE_KEY.test(text);
}

function secretEnd(text: string, at: number): number {
  AWS_SECRET.lastIndex = at;
  return AWS_SECRET.test(text) ? AWS_SECRET.lastIndex : at;
}

// The kinds of characters, a bit each. A text has the kinds of all of its characters.
const WORD = 1;
/** A character of base64 that is not part of a word. */
const RUN = 2;
/** The start of an escape. */
export const ESCAPE_SYMBOL = 4;
/** A character between a name and a value, or around them. */
export const PAIR_SYMBOL = 8;
export const UNDERSCORE = 16;
export const NOT_ASCII = 32;
// The highest bit of a kind, so that a shift gives 1 for a digit.
const DIGIT = 128;
const DIGIT_SHIFT = 7;
const COUNT_SHIFT = 8;
const NUMBER_SHIFT = 14;
const MAX_COUNT = 63;
const KINDS = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  const isWord = (bitsAt(character, 0) & WORD_BIT) !== 0;
  KINDS[code] =
    (isWord ? WORD : 0) |
    ('+/_-'.includes(character) ? RUN : 0) |
    ('%\\'.includes(character) ? ESCAPE_SYMBOL : 0) |
    (`=:>'"-`.includes(character) ? PAIR_SYMBOL : 0) |
    (character === '_' ? UNDERSCORE : 0) |
    (code >= 48 && code <= 57 ? DIGIT : 0);
}

/** The number of digits, up to 63. */
export function digitsOf(seen: number): number {
  return (seen >> COUNT_SHIFT) & MAX_COUNT;
}

/** The number of digits in words with at most one letter, up to 63. */
export function numberDigitsOf(seen: number): number {
  return seen >> NUMBER_SHIFT;
}

// JWS and JWE: the header is base64url of {" or of { and white space.
const JWT = /e(?:yJ|yAi|w0K|wo[giJK])[\w-]{10,}(?:\.[\w-]*){2,4}/y;
const E = 'e'.charCodeAt(0);
for (const second of 'yw') IS_START[E * 128 + second.charCodeAt(0)] = 1;

/**
 * Adds the spans of tokens in a text, and of runs of base64 that contain a secret by `holds`.
 *
 * One pass over the text: a word is looked up by its first characters and by its length, a symbol by itself. A candidate
 * form is matched forward, over a bounded part of the text or to the end of the token.
 *
 * Returns the kinds of the characters outside of tokens, and the number of digits (`digitsOf`, `numberDigitsOf`).
 */
export function findForms(text: string, found: Span[], holds?: (decoded: string) => boolean): number {
  const { length } = text;
  let kinds = 0;
  let digits = 0;
  let numberDigits = 0;
  // The end of the last token that was found.
  let tokenEnd = 0;
  // The start of the current run of base64; -1: there is none.
  let runStart = -1;
  let at = 0;
  while (at <= length) {
    let code = at < length ? text.charCodeAt(at) : ANY_SYMBOL;
    let kind = code < 128 ? (KINDS[code] as number) : NOT_ASCII;
    let start = at;
    // The end of the longest token from `start` on; -1: there is none.
    let end = -1;
    if ((kind & WORD) !== 0) {
      if (runStart < 0) runStart = at;
      end = endOfStart(text, at, code);
      if (end < 0) {
        // Reads the word to its end: `code` and `kind` are those of the symbol behind it.
        const digitsBefore = digits;
        do {
          digits += kind >> DIGIT_SHIFT;
          at += 1;
          code = at < length ? text.charCodeAt(at) : ANY_SYMBOL;
          kind = code < 128 ? (KINDS[code] as number) : NOT_ASCII;
        } while ((kind & WORD) !== 0);
        const wordLength = at - start;
        const wordDigits = digits - digitsBefore;
        if (wordDigits >= wordLength - 1) numberDigits += wordDigits;
        if (wordLength <= MAX_WORD) {
          const forms = BY_WORD[wordIndex(wordLength, Math.min(code, ANY_SYMBOL))];
          if (forms !== undefined) end = longest(forms, text, start);
        }
      }
    }
    if (at < length) kinds |= kind;
    if (end < 0 && code < ANY_SYMBOL && BY_SYMBOL[code] !== undefined) {
      const token = longestAround(text, at, tokenEnd);
      if (token !== undefined) ({ start, end } = token);
    }
    if ((kind & (WORD | RUN)) === 0 && runStart >= 0) {
      if (holds !== undefined && at - runStart >= MIN_WRAPPED)
        findWrapped(text, Math.max(runStart, tokenEnd), at, holds, found);
      runStart = -1;
    }
    if (end < 0) {
      at += 1;
      continue;
    }
    found.push({ start, end });
    tokenEnd = end;
    at = end;
    runStart = -1;
  }
  const [all, ofNumbers] = [Math.min(digits, MAX_COUNT), Math.min(numberDigits, MAX_COUNT)];
  return kinds | (all << COUNT_SHIFT) | (ofNumbers << NUMBER_SHIFT);
}

/** The longest token with the symbol at `at` in it, which begins at `least` or later and at the start of a word. */
function longestAround(text: string, at: number, least: number): Span | undefined {
  let token: Span | undefined;
  for (const { form, symbol, back } of BY_SYMBOL[text.charCodeAt(at)] as readonly FormWithSymbol[]) {
    const start = at - back;
    if (start < least || !text.startsWith(symbol, at) || (bitsAt(text, start - 1) & WORD_BIT) !== 0) continue;
    const end = endOfForm(form, text, start);
    if (end > (token?.end ?? -1)) token = { start, end };
  }
  return token;
}

/** The end of the longest token that begins with this word, or -1. */
function endOfStart(text: string, at: number, a: number): number {
  const b = text.charCodeAt(at + 1);
  if (!(b < 128) || IS_START[a * 128 + b] === 0) return -1;
  const c = text.charCodeAt(at + 2);
  const d = text.charCodeAt(at + 3);
  if (!(c < 128 && d < 128)) return -1;
  const two = BY_TWO[hashOf(a, b, 0, 0)];
  const three = BY_THREE[hashOf(a, b, c, 0)];
  const four = BY_FOUR[hashOf(a, b, c, d)];
  let end = a === E ? endOfJwt(text, at) : -1;
  if (two !== undefined) end = Math.max(end, longest(two, text, at));
  if (three !== undefined) end = Math.max(end, longest(three, text, at));
  if (four !== undefined) end = Math.max(end, longest(four, text, at));
  return end;
}

// Only at the start of a run of base64url, so that no run is read twice.
function endOfJwt(text: string, at: number): number {
  if (text[at - 1] === '-' || text[at - 1] === '_') return -1;
  JWT.lastIndex = at;
  return JWT.test(text) ? JWT.lastIndex : -1;
}

function longest(forms: readonly Form[], text: string, at: number): number {
  let end = -1;
  for (const form of forms) end = Math.max(end, endOfForm(form, text, at));
  return end;
}

/** Adds a run of base64 that contains a secret, or the part of it after a path or name: v1/ZXlK..., job_ZXlK... */
function findWrapped(
  text: string,
  start: number,
  end: number,
  holds: (decoded: string) => boolean,
  found: Span[],
): void {
  if (isWrappedText(text, start, end, holds)) {
    found.push({ start, end: endOfPadding(text, end) });
    return;
  }
  for (let part = start, at = start; at <= end; at += 1) {
    if (at < end && ((KINDS[text.charCodeAt(at)] as number) & RUN) === 0) continue;
    if (at - part >= MIN_WRAPPED && at - part < end - start && isWrappedText(text, part, at, holds)) {
      found.push({ start: part, end: endOfPadding(text, at) });
    }
    part = at + 1;
  }
}

function endOfPadding(text: string, end: number): number {
  let at = end;
  while (at < end + 2 && text[at] === '=') at += 1;
  return at;
}

/** The shortest run of base64 that is decoded. */
export const MIN_WRAPPED = 22;

// The number of characters that are tested before the rest of a run is decoded.
const PROBED = 16;
// The values of the characters of base64 and base64url, by their codes.
const SEXTETS = new Int8Array(128).fill(-1);
for (const [value, character] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
].entries()) {
  SEXTETS[character.charCodeAt(0)] = value;
}
for (const character of '+-') SEXTETS[character.charCodeAt(0)] = 62;
for (const character of '/_') SEXTETS[character.charCodeAt(0)] = 63;

/** Whether a run of base64 or base64url decodes to a text that contains a secret by `holds`. */
export function isWrappedText(
  text: string,
  start: number,
  end: number,
  holds: (decoded: string) => boolean,
): boolean {
  if (end - start < MIN_WRAPPED || !beginsAsText(text, start)) return false;
  return holds(Buffer.from(text.slice(start, end), 'base64').toString('latin1'));
}

// Hashes and ids in base64 decode to random bytes, half of which are not ASCII.
function beginsAsText(text: string, start: number): boolean {
  for (let at = start; at < start + PROBED; at += 4) {
    const bits =
      (sextetAt(text, at) << 18) |
      (sextetAt(text, at + 1) << 12) |
      (sextetAt(text, at + 2) << 6) |
      sextetAt(text, at + 3);
    if ((bits & 0x808080) !== 0) return false;
    if (!isPrintable(bits >> 16) || !isPrintable((bits >> 8) & 0xff) || !isPrintable(bits & 0xff))
      return false;
  }
  return true;
}

function sextetAt(text: string, at: number): number {
  return SEXTETS[text.charCodeAt(at)] as number;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 ? byte < 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
