import { crc32 } from 'node:zlib';
import type { Dice } from '../dice.ts';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const BASE62 = DIGITS + LOWER.toUpperCase() + LOWER;
const ALPHABETS: Record<string, string> = {
  digit: DIGITS,
  hex: `${DIGITS}abcdef`,
  lower: LOWER + DIGITS,
  upper: LOWER.toUpperCase() + DIGITS,
  letter: LOWER + LOWER.toUpperCase(),
  base32: `${LOWER}234567`,
  Base32: `${LOWER.toUpperCase()}234567`,
  bech32: 'qpzry9x8gf2tvdw0s3jn54khce6mua7l',
  BECH32: 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L',
  base58: '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
  base62: BASE62,
  word: `${BASE62}_`,
  base64: `${BASE62}+/`,
  base64url: `${BASE62}-_`,
  crypt: `${BASE62}./`,
  last4: 'AQgw',
  last16: 'ABCDEFGHIJKLMNOP',
};
const PART = /<(\w+) (\d+)>|<(uuid|crc)>|[^<]+/g;

/**
 * A made-up token of a documented form: fixed text, `<alphabet length>`, `<uuid>`, and `<crc>`, the six digits of base 62
 * that GitHub and npm end their tokens with (CRC-32 of what stands between the beginning and them).
 */
export function generate(form: string, dice: Dice): string {
  let token = '';
  for (const [text, alphabet, length, special] of form.matchAll(PART)) {
    if (alphabet !== undefined) token += textOf(alphabet, Number(length), dice);
    else if (special === 'uuid') token += uuid(dice);
    else if (special === 'crc') token += checksum(token.slice(token.lastIndexOf('_') + 1));
    else token += text;
  }
  return token;
}

function textOf(alphabet: string, length: number, dice: Dice): string {
  const characters = ALPHABETS[alphabet];
  if (characters === undefined) throw new Error(`no alphabet "${alphabet}"`);
  return Array.from({ length }, () => characters[dice.roll(characters.length)]).join('');
}

function uuid(dice: Dice): string {
  return [8, 4, 4, 4, 12].map((length) => textOf('hex', length, dice)).join('-');
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let place = 0; place < 6; place += 1) {
    digits = `${BASE62[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
