import { ESCAPE, REDACTED } from './replaced.ts';

// 13 to 19 digits, or in the groups that are printed on cards.
const CARD =
  /(?<!\d)\d{4}(?:\d{9,15}|[ .-]\d{4}[ .-]\d{4}[ .-]\d{4}(?:[ .-]\d{1,3})?|[ .-]\d{6}[ .-]\d{4,5}|[ .-]\d{3}[ .-]\d{3}[ .-]\d{3})(?!\w|[-.]\d)/g;

// Issuers and their lengths (ISO/IEC 7812): Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay,
// Maestro, Mir, RuPay.
const ISSUED =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d|62\d\d|35(?:2[89]|[3-8]\d)|220[0-4]|60\d\d|81\d\d)\d{12}(?:\d{1,3})?|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15})$/;

/** What the texts that hold such a number have in common with few others, to be looked for at the start of a word. */
export const CARD_MARKS: readonly string[] = [
  '[2-68]\\d{3}(?:\\d{9}|[ .-]\\d{4}[ .-]\\d{4}[ .-]|[ .-]\\d{6}[ .-]|[ .-]\\d{3}[ .-]\\d{3}[ .-])',
];

const WITHIN = /(?:[A-Za-z_.+]|\d-)$/;
const AFTER_ESCAPE = new RegExp(`(?:${ESCAPE})$`);

/** The text with every card number replaced: one that an issuer gives out, with its check digit right. */
export function redactCards(text: string): string {
  let result = '';
  let rest = 0;
  CARD.lastIndex = 0;
  for (let match = CARD.exec(text); match; match = CARD.exec(text)) {
    const [digits] = match;
    if (isApart(text, match.index) && isCard(digits)) {
      result += text.slice(rest, match.index) + REDACTED;
      rest = CARD.lastIndex;
    } else {
      // The card may begin with the next group.
      CARD.lastIndex = match.index + 1;
    }
  }
  return result + text.slice(rest);
}

/** Whether a number has the digits of a card. */
export function isCardNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 2e12 && isCard(String(value));
}

// No part of a decimal, of a telephone number, or of a longer row of groups.
function isApart(text: string, offset: number): boolean {
  const before = text.slice(Math.max(0, offset - 6), offset);
  return !WITHIN.test(before) || AFTER_ESCAPE.test(before);
}

function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  const separators = new Set(text.replace(/\d/g, ''));
  return separators.size <= 1 && ISSUED.test(digits) && hasCheckDigit(digits);
}

/** ISO/IEC 7812-1, annex B (Luhn). */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]);
    const weighted = at % 2 === 1 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}
