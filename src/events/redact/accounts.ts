import { SEPARATOR } from './digits.ts';
import type { Span } from './spans.ts';

const HINT = /[A-Z]{2}\d\d/;
const HEAD = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}/g;
const GAP = new RegExp(`${SEPARATOR}{1,3}(?=[A-Z0-9])`, 'uy');
const IS_PART = /[A-Z0-9]/;
const GROUP = 4;

// Lengths by country (SWIFT's IBAN registry).
const LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';
const LENGTH_OF = new Map(LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));

/** No account number has fewer digits: four in Jordan, and its check digits. */
export const MIN_ACCOUNT_DIGITS = 6;

/**
 * Adds the places of IBANs (ISO 13616): of a country that has them, of its length, with right check digits, and with the
 * same separator, or none, after every four characters.
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
