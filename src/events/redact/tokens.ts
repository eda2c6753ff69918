import { findForms } from './scanner.ts';
import type { Span } from './spans.ts';

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;
// A file of credentials has the secret beside the id.
const AWS_ID = /^A[KS]IA/;
const AWS_SECRET = /[^A-Za-z0-9/+]{1,12}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/y;

/**
 * Adds the places of the tokens that are known by their form, also of those that are wrapped in base64. Returns what else
 * was seen, as `findForms` does.
 */
export function findTokens(text: string, found: Span[]): number {
  const seen = findForms(text, found, holdsToken);
  for (const span of found) {
    if (AWS_ID.test(text.slice(span.start, span.start + 4))) span.end = secretEnd(text, span.end);
  }
  return seen;
}

function holdsToken(text: string): boolean {
  const found: Span[] = [];
  findForms(text, found);
  return found.length > 0 || PRIVATE_KEY.test(text);
}

function secretEnd(text: string, at: number): number {
  AWS_SECRET.lastIndex = at;
  return AWS_SECRET.test(text) ? AWS_SECRET.lastIndex : at;
}
