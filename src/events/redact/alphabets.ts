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
