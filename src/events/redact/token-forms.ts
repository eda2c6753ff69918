const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const ALNUM = DIGITS + LOWER + UPPER;

/** The sets of characters that providers make their tokens of, by the names that forms use. */
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
/** For each ASCII code, a bit for each alphabet that has the character. */
export const BITS = new Uint32Array(128);
for (const [index, name] of NAMES.entries()) {
  for (const character of ALPHABETS[name]) {
    const code = character.charCodeAt(0);
    BITS[code] = (BITS[code] as number) | (1 << index);
  }
}

/** The bit of an alphabet. Throws an error when there is none of this name. */
export function bitOf(name: string): number {
  const index = NAMES.indexOf(name as Alphabet);
  if (index < 0) throw new Error(`"${name}" is no alphabet`);
  return 1 << index;
}

/** The bits of the alphabets that have the character at an offset: 0 beyond the ends of the text. */
export function bitsAt(text: string, offset: number): number {
  const code = text.charCodeAt(offset);
  return code < 128 ? (BITS[code] as number) : 0;
}

/** The bit of letters and digits, which words are made of. */
export const WORD_BIT = bitOf('alnum');
/** The bit of digits. */
export const DIGIT_BIT = bitOf('digit');
/** The bit of lower-case letters and digits. */
export const LOWER_BIT = bitOf('lower');

/** A provider's tokens: the page that says how they look, and their forms. */
export interface Provider {
  name: string;
  /** Where the forms are documented: by the provider, or else by a maintained set of rules. */
  source: string;
  /**
   * Forms in the notation of `parseForm`. What they begin with (two characters at least), or what follows their first
   * part, must be rare in ordinary text.
   */
  forms: readonly string[];
  /** Forms that ordinary names may have too: found only where the characters change like those of a random text. */
  weak?: readonly string[];
}

/** A run of characters of one alphabet. */
interface Run {
  readonly literal?: undefined;
  readonly bit: number;
  readonly min: number;
  /** OPEN when there is no bound. */
  readonly max: number;
}

/** A run, or a fixed text. */
export type FormPart = Run | { readonly literal: string };

/** One form of a token. */
export interface Form {
  readonly parts: readonly FormPart[];
  readonly isWeak: boolean;
}

// More than a text can have, and small enough to add an offset to.
const OPEN = 2 ** 30;
const UUID = '<alnum 8>-<alnum 4>-<alnum 4>-<alnum 4>-<alnum 12>';
const PART = /<(\w+) (\d+)(\+|-\d+)?>|[^<]+/g;
// A random text of 20 characters changes about 12 times, sk-panel-v2-content-10 once.
const RANDOM_CHANGES = 4;

/**
 * Reads a form: fixed text, alternatives in parentheses, and runs such as `<hex 40>`, `<alnum 20-24>`, `<base64url 36+>`
 * or `<uuid>`. Returns one form for each choice of alternatives. Throws an error when matching without going back, which
 * is what keeps the search linear, could miss a token: when a run of open length may swallow what follows it.
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

/** Where the form that begins at an offset ends, or -1. Goes forward only, and reads each run once. */
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
    // The least of it is looked at before the rest is read: what is no token is not read to its end again and again.
    if (isOpen) return isWeak && !looksRandom(text, offset, at) ? -1 : endOfRun(text, at, OPEN, part.bit);
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

// A token of fixed length is none within a longer word.
function endsAt(last: FormPart, text: string, at: number): boolean {
  if (last.literal !== undefined) return (bitsAt(text, at) & WORD_BIT) === 0 || !/\w$/.test(last.literal);
  return (bitsAt(text, at) & WORD_BIT) === 0;
}

function looksRandom(text: string, start: number, end: number): boolean {
  let changes = 0;
  let before = 0;
  for (let at = start; at < end && changes < RANDOM_CHANGES; at += 1) {
    const kind = kindAt(text, at);
    if (kind !== 0 && before !== 0 && kind !== before) changes += 1;
    before = kind;
  }
  return changes >= RANDOM_CHANGES;
}

// A digit, a lower-case letter, an upper-case letter, or nothing of these.
function kindAt(text: string, at: number): number {
  const bits = bitsAt(text, at);
  if ((bits & WORD_BIT) === 0) return 0;
  if ((bits & DIGIT_BIT) !== 0) return 1;
  return (bits & LOWER_BIT) !== 0 ? 2 : 3;
}
