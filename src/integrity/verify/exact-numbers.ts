// Texts are skipped whole, so that digits inside of them do not count.
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g;
// Whatever has neither a fraction nor sixteen digits is exact.
const MAY_BE_INEXACT = /\d\.\d|\d{16}/;

/**
 * Whether every number in a text of `jsonb` is one that JavaScript prints: PostgreSQL keeps more digits than a double
 * has, and a number that differs only in those reads the same here while SQL tells it from the first.
 */
export function hasExactNumbers(json: string): boolean {
  if (!MAY_BE_INEXACT.test(json)) return true;
  for (const [token] of json.matchAll(TOKENS)) {
    if (token.startsWith('"')) continue;
    const printed = String(Number(token));
    if (printed !== token && decimalOf(printed) !== decimalOf(token)) return false;
  }
  return true;
}

/** The one way of writing a decimal: its significant digits and a power of ten. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
