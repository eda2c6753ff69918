const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const ALNUM = DIGITS + LOWER + UPPER;

/** The sets of characters that tokens consist of, by the names in the notation of forms. */
const ALPHABETS = {
  digit: DIGITS,
  hex: `${DIGITS}abcdef`,
  xdigit: `${DIGITS}abcdefABCDEF`,
  lower: DIGITS + LOWER,
  upper: DIGITS + UPPER,
  base32: `${LOWER}234567`,
  alnum: ALNUM,
  word: `${ALNUM}_`,
  base64: `${ALNUM}+/`,
  padded: `${ALNUM}+/=`,
  base64url: `${ALNUM}_-`,
  urlpadded: `${ALNUM}_-=`,
  mixed64: `${ALNUM}+/=_-`,
  dotted: `${ALNUM}_.-`,
  tilde: `${ALNUM}_.~-`,
  dashed: `${DIGITS + LOWER}-`,
  crypt: `${ALNUM}./`,
  last4: 'AQgw',
  last16: 'ABCDEFGHIJKLMNOP',
  sign: `${ALNUM}!#$%&()*+,-./:;=?@[]^_{|}~`,
} as const;

/** The name of an alphabet. */
export type Alphabet = keyof typeof ALPHABETS;

const NAMES = Object.keys(ALPHABETS) as Alphabet[];
/** For each ASCII code, the bits of the alphabets that contain the character. */
export const BITS = new Uint32Array(128);
for (const [index, name] of NAMES.entries()) {
  for (const character of ALPHABETS[name]) {
    const code = character.charCodeAt(0);
    BITS[code] = (BITS[code] as number) | (1 << index);
  }
}

/** The bit of an alphabet. Throws an error for an unknown name. */
export function bitOf(name: string): number {
  const index = NAMES.indexOf(name as Alphabet);
  if (index < 0) throw new Error(`unknown alphabet "${name}"`);
  return 1 << index;
}

/** The bits of the alphabets that contain the character at an offset; 0 outside of the text. */
export function bitsAt(text: string, offset: number): number {
  const code = text.charCodeAt(offset);
  return code < 128 ? (BITS[code] as number) : 0;
}

/** The bit of letters and digits, of which words consist. */
export const WORD_BIT = bitOf('alnum');
/** The bit of digits. */
export const DIGIT_BIT = bitOf('digit');
/** The bit of lower-case letters and digits. */
export const LOWER_BIT = bitOf('lower');

/** The tokens of a provider: their documentation and their forms. */
export interface Provider {
  name: string;
  /** The page of the provider that documents the forms, or a maintained set of rules. */
  source: string;
  /**
   * Forms in the notation of `parseForm`. Their start (at least two characters), or the text after their first part, must
   * be rare in ordinary text.
   */
  forms: readonly string[];
  /** Forms that ordinary names may have too. They match only text whose characters vary like those of random text. */
  weak?: readonly string[];
}

/** A run of characters of one alphabet. */
interface Run {
  readonly literal?: undefined;
  readonly bit: number;
  readonly min: number;
  /** `OPEN`: unbounded. */
  readonly max: number;
}

/** A run, or a literal. */
export type FormPart = Run | { readonly literal: string };

/** One form of a token. */
export interface Form {
  readonly parts: readonly FormPart[];
  readonly isWeak: boolean;
}

// Longer than any text, and small enough to add an offset.
const OPEN = 2 ** 30;
const UUID = '<alnum 8>-<alnum 4>-<alnum 4>-<alnum 4>-<alnum 12>';
const PART = /<(\w+) (\d+)(\+|-\d+)?>|[^<]+/g;
// A random text changes at every second character, sk-panel-v2-content-10 once. With these bounds one in 130 random texts of
// 20 hexadecimal digits is not recognised, and one in 20,000 of 32.
const RANDOM_CHANGES = 4;
const CHARACTERS_OF_A_CHANGE = 10;
// So many characters of a longer text are examined.
const EXAMINED = 64;

/**
 * Parses a form: literals, alternatives in parentheses, and runs such as `<hex 40>`, `<alnum 20-24>`, `<base64url 36+>`
 * or `<uuid>`. Returns one form for each choice of alternatives. Matching does not backtrack, which keeps the search
 * linear. Therefore a run of variable length must not contain the character that follows it: throws an error for such a
 * form, which could miss a token.
 */
export function parseForm(notation: string, isWeak: boolean): Form[] {
  return alternativesOf(notation).map((text) => {
    const parts = [...text.replaceAll('<uuid>', UUID).matchAll(PART)].map(partOf);
    parts.forEach((part, index) => {
      const next = parts[index + 1];
      if (next === undefined || part.literal !== undefined || part.min === part.max) return;
      const swallows =
        next.literal === undefined ? (part.bit & next.bit) !== 0 : hasFirst(part.bit, next.literal);
      if (swallows || part.max === OPEN) throw new Error(`"${notation}" cannot be read in one pass`);
    });
    return { parts, isWeak };
  });
}

function alternativesOf(notation: string): string[] {
  const match = /\(([^()]*)\)/.exec(notation);
  if (!match) return [notation];
  const [whole, inner = ''] = match;
  const before = notation.slice(0, match.index);
  const after = notation.slice(match.index + whole.length);
  return inner.split('|').flatMap((choice) => alternativesOf(before + choice + after));
}

function partOf([text, alphabet, min, more]: RegExpExecArray): FormPart {
  if (alphabet === undefined) return { literal: text };
  const least = Number(min);
  if (more === undefined) return { bit: bitOf(alphabet), min: least, max: least };
  return { bit: bitOf(alphabet), min: least, max: more === '+' ? OPEN : Number(more.slice(1)) };
}

function hasFirst(bit: number, literal: string): boolean {
  return (bitsAt(literal, 0) & bit) !== 0;
}

/** The end of the form that begins at an offset, or -1. Reads each run once, without backtracking. */
export function endOfForm({ parts, isWeak }: Form, text: string, offset: number): number {
  let at = offset;
  for (const part of parts) {
    if (part.literal !== undefined) {
      if (!text.startsWith(part.literal, at)) return -1;
      at += part.literal.length;
      continue;
    }
    const isOpen = part.max === OPEN;
    const end = endOfRun(text, at, isOpen ? part.min : part.max, part.bit);
    if (end - at < part.min) return -1;
    at = end;
    // The minimum is tested before the rest of an open run is read, so that the same run is not read many times.
    if (isOpen) {
      const examined = isWeak ? endOfRun(text, at, Math.max(0, offset + EXAMINED - at), part.bit) : at;
      return isWeak && !looksRandom(text, offset, examined) ? -1 : endOfRun(text, examined, OPEN, part.bit);
    }
  }
  if (!endsAt(parts.at(-1) as FormPart, text, at)) return -1;
  return isWeak && !looksRandom(text, offset, at) ? -1 : at;
}

function endOfRun(text: string, start: number, max: number, bit: number): number {
  const stop = Math.min(text.length, start + max);
  let at = start;
  while (at < stop) {
    const code = text.charCodeAt(at);
    if (code >= 128 || ((BITS[code] as number) & bit) === 0) break;
    at += 1;
  }
  return at;
}

// A token of fixed length must not be part of a longer word.
function endsAt(last: FormPart, text: string, at: number): boolean {
  if (last.literal !== undefined) return (bitsAt(text, at) & WORD_BIT) === 0 || !/\w$/.test(last.literal);
  return (bitsAt(text, at) & WORD_BIT) === 0;
}

function looksRandom(text: string, start: number, end: number): boolean {
  const least = Math.max(RANDOM_CHANGES, (end - start) / CHARACTERS_OF_A_CHANGE);
  let changes = 0;
  let before = 0;
  for (let at = start; at < end && changes < least; at += 1) {
    const kind = kindAt(text, at);
    if (kind !== 0 && before !== 0 && kind !== before) changes += 1;
    before = kind;
  }
  return changes >= least;
}

// 1: digit, 2: lower-case letter, 3: upper-case letter, 0: other.
function kindAt(text: string, at: number): number {
  const bits = bitsAt(text, at);
  if ((bits & WORD_BIT) === 0) return 0;
  if ((bits & DIGIT_BIT) !== 0) return 1;
  return (bits & LOWER_BIT) !== 0 ? 2 : 3;
}
