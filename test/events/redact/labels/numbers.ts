import type { Dice } from '../dice.ts';
import { withCheckDigit } from '../secrets.ts';
import type { LabelledForm } from './measured-forms.ts';

/** The beginnings and lengths that issuers give out (ISO/IEC 7812), and the groups that are printed on their cards. */
const ISSUERS: Readonly<Record<string, { begin: string; groups: number[] }>> = {
  Visa: { begin: '4', groups: [4, 4, 4, 4] },
  'Visa of 13 digits': { begin: '4', groups: [4, 3, 3, 3] },
  'Visa of 19 digits': { begin: '4', groups: [4, 4, 4, 4, 3] },
  Mastercard: { begin: '53', groups: [4, 4, 4, 4] },
  'Mastercard, series 2': { begin: '2412', groups: [4, 4, 4, 4] },
  'American Express': { begin: '37', groups: [4, 6, 5] },
  'Diners Club': { begin: '36', groups: [4, 6, 4] },
  Discover: { begin: '6011', groups: [4, 4, 4, 4] },
  JCB: { begin: '3530', groups: [4, 4, 4, 4] },
  UnionPay: { begin: '6212', groups: [4, 4, 4, 4, 3] },
  Mir: { begin: '2202', groups: [4, 4, 4, 4] },
  Maestro: { begin: '6759', groups: [4, 4, 4, 4] },
  RuPay: { begin: '6073', groups: [4, 4, 4, 4] },
};

const SEPARATORS: Readonly<Record<string, string>> = {
  nothing: '',
  'a space': ' ',
  'a hyphen': '-',
  'a full stop': '.',
  'a no-break space': '\u00a0',
  'a narrow no-break space': '\u202f',
  'a thin space': '\u2009',
  'an ideographic space': '\u3000',
  'a tab': '\t',
  'two spaces': '  ',
  'a non-breaking hyphen': '\u2011',
  'a figure dash': '\u2012',
  'an en dash': '–',
  'an em dash': '—',
  'a minus sign': '\u2212',
  'a full-width hyphen': '\uff0d',
  'a slash': '/',
  'an underscore': '_',
  'a middle dot': '·',
  'a soft hyphen': '\u00ad',
  'a zero-width space': '\u200b',
  'a hyphen between spaces': ' - ',
};

const DIGITS: Readonly<Record<string, string>> = {
  'full-width digits': '０１２３４５６７８９',
  'Arabic-Indic digits': '٠١٢٣٤٥٦٧٨٩',
  'Persian digits': '۰۱۲۳۴۵۶۷۸۹',
  'Devanagari digits': '०१२३४५६७८९',
  'Bengali digits': '০১২৩৪৫৬৭৮৯',
  'Thai digits': '๐๑๒๓๔๕๖๗๘๙',
  'mathematical digits': '𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗',
};

// The country, and what the account has after the check digits (ISO 13616, SWIFT's registry): n a digit, a a letter, c either.
const COUNTRIES = [
  ['DE', 'nnnnnnnnnnnnnnnnnn'],
  ['FR', 'nnnnnnnnnncccccccccccnn'],
  ['GB', 'aaaannnnnnnnnnnnnn'],
  ['NL', 'aaaannnnnnnnnn'],
  ['ES', 'nnnnnnnnnnnnnnnnnnnn'],
  ['IT', 'annnnnnnnnncccccccccccc'],
  ['BE', 'nnnnnnnnnnnn'],
  ['NO', 'nnnnnnnnnnn'],
  ['CH', 'nnnnncccccccccccc'],
  ['MT', 'aaaannnnncccccccccccccccccc'],
] as const;

function cardOf({ begin, groups }: { begin: string; groups: number[] }, separator: string) {
  return (dice: Dice) => {
    const length = groups.reduce((sum, size) => sum + size, 0);
    const digits = withCheckDigit(begin + dice.text('digits', length - 1 - begin.length));
    const ends = groups.map((_, index) => groups.slice(0, index + 1).reduce((sum, size) => sum + size, 0));
    return groups
      .map((size, index) => digits.slice((ends[index] as number) - size, ends[index]))
      .join(separator);
  };
}

function ibanOf([country, structure]: readonly [string, string], separator: string) {
  return (dice: Dice) => {
    const account = [...structure].map((kind) => characterOf(kind, dice)).join('');
    const digits = `${account}${country}00`.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
    const check = String(98n - (BigInt(digits) % 97n)).padStart(2, '0');
    return `${country}${check}${account}`.match(/.{1,4}/g)?.join(separator) ?? '';
  };
}

function characterOf(kind: string, dice: Dice): string {
  if (kind === 'n') return dice.text('digits', 1);
  return kind === 'a' ? String.fromCharCode(65 + dice.roll(26)) : dice.text('upper', 1);
}

function inDigits(make: (dice: Dice) => string, digits: string) {
  return (dice: Dice) => make(dice).replace(/\d/g, (digit) => [...digits][Number(digit)] as string);
}

function trackOf(write: (number: string, dice: Dice) => string) {
  const issuers = Object.values(ISSUERS);
  return (dice: Dice) => write(cardOf(dice.pick(issuers), '')(dice), dice);
}

/** Numbers of cards with each separator and in each script, the tracks of magnetic stripes, and IBANs likewise. */
export const NUMBER_FORMS: readonly LabelledForm[] = [
  ...Object.entries(ISSUERS).flatMap(([issuer, form]) =>
    Object.entries(SEPARATORS).map(([name, separator]) => ({
      group: 'cards',
      name: `${issuer} with ${name}`,
      make: cardOf(form, separator),
    })),
  ),
  ...Object.entries(DIGITS).flatMap(([name, digits]) =>
    ['', ' ', '-'].map((separator) => ({
      group: 'cards in other digits',
      name: `Visa in ${name} with "${separator}"`,
      make: inDigits(cardOf({ begin: '4', groups: [4, 4, 4, 4] }, separator), digits),
    })),
  ),
  {
    group: 'tracks of cards',
    name: 'track 1',
    make: trackOf((number, dice) => `%B${number}^DOE/JANE^2812101${dice.text('digits', 16)}?`),
  },
  {
    group: 'tracks of cards',
    name: 'track 2',
    make: trackOf((number, dice) => `;${number}=2812101${dice.text('digits', 10)}?`),
  },
  {
    group: 'tracks of cards',
    name: 'track 2 of a chip',
    make: trackOf((number, dice) => `${number}D2812201${dice.text('digits', 10)}`),
  },
  ...COUNTRIES.flatMap((country) =>
    Object.entries(SEPARATORS).map(([name, separator]) => ({
      group: 'IBANs',
      name: `IBAN of ${country[0]} with ${name}`,
      make: ibanOf(country, separator),
    })),
  ),
  ...Object.entries(DIGITS).map(([name, digits]) => ({
    group: 'IBANs in other digits',
    name: `IBAN in ${name}`,
    make: inDigits(ibanOf(COUNTRIES[0], ' '), digits),
  })),
];
