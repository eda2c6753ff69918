import { REDACTED, START } from './replaced.ts';

const ACCOUNT = new RegExp(
  `(?=[A-Z]{2}\\d)${START}[A-Z]{2}\\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])`,
  'g',
);

// Lengths by country (SWIFT's IBAN registry).
const LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';
const LENGTH_OF = new Map(LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));

/** What the texts that hold such a number have in common with few others, to be looked for at the start of a word. */
export const ACCOUNT_MARKS: readonly string[] = ['[A-Z]{2}\\d{2}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4}'];

/** The text with every IBAN (ISO 13616) replaced: of a country that has them, of its length, with right check digits. */
export function redactAccounts(text: string): string {
  return text.replace(ACCOUNT, (match) => (isIban(match.replace(/[ -]/g, '')) ? REDACTED : match));
}

function isIban(text: string): boolean {
  if (LENGTH_OF.get(text.slice(0, 2)) !== text.length) return false;
  const digits = (text.slice(4) + text.slice(0, 4)).replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return BigInt(digits) % 97n === 1n;
}
