import { isExactNumber } from '../../parse-json.ts';

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
  for (const [token] of json.matchAll(TOKENS))
    if (!token.startsWith('"') && !isExactNumber(token)) return false;
  return true;
}
