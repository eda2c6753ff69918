import { SEPARATOR } from './decoded-text.ts';
import type { Span } from './replacement.ts';

// Issuers and their lengths (ISO/IEC 7812): Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay,
// Maestro, Mir, RuPay.
const ISSUED =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d|62\d\d|35(?:2[89]|[3-8]\d)|220[0-4]|60\d\d|81\d\d)\d{12}(?:\d{1,3})?|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15})$/;
/** The fewest digits of a card number. */
export const MIN_CARD_DIGITS = 13;
const MAX_DIGITS = 19;

// Most texts are ASCII, for which a separate pattern is many times faster.
const IS_ASCII = /^[\0-\x7f]*$/;
const ASCII_SEPARATOR = '[\\t _/.,:+|*-]';
const ASCII_HINT = hintOf(ASCII_SEPARATOR, '');
const ANY_HINT = hintOf(SEPARATOR, 'u');
const [ASCII_ROW, ANY_ROW] = [ASCII_SEPARATOR, SEPARATOR].map(
  (separator) => new RegExp(`\\d(?:${separator}{0,3}\\d){12,}`, 'gu'),
) as [RegExp, RegExp];
// The sizes of the groups of digits that are printed on cards, the longest rows first.
const PRINTED: readonly (readonly number[])[] = [
  ...[3, 2, 1].map((last) => [4, 4, 4, 4, last]),
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  [4, 4, 5],
  [4, 3, 3, 3],
];
// Groups of one or two digits are a card only if the row contains nothing else.
const MAX_SPELT = 2;
const SPACE = /^[\s\u00ad\u200b-\u200f\u2060\ufeff+]+$/;
const BEFORE = /[A-Za-z_.+]/;

// ISO/IEC 7813, with or without the sentinels. In the track 2 data of a chip, D replaces =.
const TRACK_1 = /%?B(\d{13,19})\^[^^\r\n]{2,26}\^[^\s?"'<>&]{7,80}\??/g;
const TRACK_2 = /(?<!\d);?(\d{13,19})[=D]\d{7,30}\??/g;

/** A quick test for card numbers: enough digits in a row, in groups, or one or two at a time. */
function hintOf(separator: string, flags: string): RegExp {
  const groups = `\\d{4}(?:\\d{${MIN_CARD_DIGITS - 4}}|${separator}{1,3}\\d{3})`;
  return new RegExp(`${groups}|\\d(?:${separator}{1,3}\\d\\d?){6}`, flags);
}

/** Whether a number is a card number. */
export function isCardNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 2e12 && isCard(String(value));
}

/** Adds the spans of card numbers, which have the prefix of an issuer and a valid check digit, and of magnetic stripe tracks. */
export function findCards(text: string, found: Span[]): void {
  const isAscii = IS_ASCII.test(text);
  if (!(isAscii ? ASCII_HINT : ANY_HINT).test(text)) return;
  for (const track of [TRACK_1, TRACK_2]) {
    for (const { 0: match, 1: digits = '', index } of text.matchAll(track)) {
      if (isCard(digits)) found.push({ start: index, end: index + match.length });
    }
  }
  for (const { 0: row, index } of text.matchAll(isAscii ? ASCII_ROW : ANY_ROW)) {
    findInRow(text, row, index, found);
  }
}

/** Groups of digits: the start and end of each in the text. */
interface Groups {
  starts: number[];
  ends: number[];
}

function findInRow(text: string, row: string, offset: number, found: Span[]): void {
  const groups = groupsOf(row, offset);
  const { starts, ends } = groups;
  for (let first = 0; first < starts.length; ) {
    const count = cardAt(text, groups, first);
    if (count > 0) {
      found.push({ start: starts[first] as number, end: ends[first + count - 1] as number });
    }
    first += Math.max(count, 1);
  }
}

function groupsOf(row: string, offset: number): Groups {
  const groups: Groups = { starts: [], ends: [] };
  let isWithin = false;
  for (let at = 0; at <= row.length; at += 1) {
    const isDigit = isDigitCode(row.charCodeAt(at));
    if (isDigit === isWithin) continue;
    (isDigit ? groups.starts : groups.ends).push(offset + at);
    isWithin = isDigit;
  }
  return groups;
}

function isDigitCode(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** The number of groups of the card that begins with this group; 0: none does. */
function cardAt(text: string, groups: Groups, first: number): number {
  const length = lengthOf(groups, first);
  if (length >= MIN_CARD_DIGITS) return isCardOf(text, groups, first, 1) ? 1 : 0;
  if (length === 4) {
    for (const sizes of PRINTED) {
      if (hasSizes(groups, first, sizes) && isCardOf(text, groups, first, sizes.length)) return sizes.length;
    }
    return 0;
  }
  const count = groups.starts.length;
  if (first > 0 || length > MAX_SPELT || count > MAX_DIGITS) return 0;
  for (let index = 1; index < count - 1; index += 1) if (lengthOf(groups, index) !== length) return 0;
  return isCardOf(text, groups, 0, count) ? count : 0;
}

function lengthOf({ starts, ends }: Groups, index: number): number {
  return (ends[index] as number) - (starts[index] as number);
}

function hasSizes(groups: Groups, first: number, sizes: readonly number[]): boolean {
  if (first + sizes.length > groups.starts.length) return false;
  for (let index = 0; index < sizes.length; index += 1) {
    if (lengthOf(groups, first + index) !== sizes[index]) return false;
  }
  return true;
}

function isCardOf(text: string, { starts, ends }: Groups, first: number, count: number): boolean {
  const start = starts[first] as number;
  const last = first + count - 1;
  const end = ends[last] as number;
  // First, because it rejects nine of ten and allocates nothing.
  if (!hasCheckDigit(text, start, end)) return false;
  const separatorAfter = (index: number) => text.slice(ends[index], starts[index + 1]);
  const own = count > 1 ? separatorAfter(first) : '';
  for (let index = first + 1; index < last; index += 1) if (separatorAfter(index) !== own) return false;
  if (!ISSUED.test(text.slice(start, end).replace(/\D/g, ''))) return false;
  // Not part of a decimal, a telephone number, a name, or a longer row of groups.
  if (first > 0 ? joins(separatorAfter(first - 1), own) : BEFORE.test(text[start - 1] ?? '')) return false;
  return last === starts.length - 1 ? !/\w/.test(text[end] ?? '') : !joins(separatorAfter(last), own);
}

function joins(separator: string, own: string): boolean {
  return !SPACE.test(separator) && (separator.length === 1 || separator === own);
}

function isCard(digits: string): boolean {
  return ISSUED.test(digits) && hasCheckDigit(digits, 0, digits.length);
}

/** The Luhn algorithm (ISO/IEC 7812-1, annex B) on the digits in a part of a text. */
function hasCheckDigit(text: string, start: number, end: number): boolean {
  let sum = 0;
  let isDoubled = false;
  for (let at = end - 1; at >= start; at -= 1) {
    const code = text.charCodeAt(at);
    if (!isDigitCode(code)) continue;
    const weighted = isDoubled ? (code - 48) * 2 : code - 48;
    sum += weighted > 9 ? weighted - 9 : weighted;
    isDoubled = !isDoubled;
  }
  return sum % 10 === 0;
}

const HINT = /[A-Z]{2}\d\d/;
const HEAD = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}/g;
const GAP = new RegExp(`${SEPARATOR}{1,3}(?=[A-Z0-9])`, 'uy');
const IS_PART = /[A-Z0-9]/;
const GROUP = 4;

// Lengths by country (SWIFT's IBAN registry).
const LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';
const LENGTH_OF = new Map(LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));

/** The fewest digits of an account number: four in Jordan, and two check digits. */
export const MIN_ACCOUNT_DIGITS = 6;

/**
 * Adds the spans of IBANs (ISO 13616): with a country code, the length of that country, valid check digits, and the same
 * separator, or none, after every four characters.
 */
export function findAccounts(text: string, found: Span[]): void {
  if (!HINT.test(text)) return;
  for (const { 0: head, index } of text.matchAll(HEAD)) {
    const length = LENGTH_OF.get(head.slice(0, 2));
    const end = length === undefined ? -1 : endOfAccount(text, index, length);
    if (end >= 0) found.push({ start: index, end });
  }
}

function endOfAccount(text: string, start: number, length: number): number {
  let account = '';
  let separator: string | undefined;
  let at = start;
  while (account.length < length) {
    if (account.length > 0 && account.length % GROUP === 0) {
      GAP.lastIndex = at;
      const gap = GAP.exec(text)?.[0] ?? '';
      separator ??= gap;
      if (gap !== separator) return -1;
      at += gap.length;
    }
    const character = text[at] ?? '';
    if (!IS_PART.test(character)) return -1;
    account += character;
    at += 1;
  }
  return /[A-Za-z0-9]/.test(text[at] ?? '') || !hasCheckDigits(account) ? -1 : at;
}

/** ISO 7064, MOD 97-10. */
function hasCheckDigits(account: string): boolean {
  let rest = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
