/**
 * The number that `text` writes in ASCII decimal without sign or leading zeroes, as the C2SP formats ask for, or
 * undefined when it is written otherwise or exceeds 2^53 - 1.
 */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
