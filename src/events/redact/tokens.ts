import { findForms } from './scanner.ts';
import { replaceSpans, type Span } from './spans.ts';
import { findInViews } from './views.ts';

// AWS's key ids and the secret of Mailchimp are longer.
const SHORTEST = 16;
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;
// A file of credentials has the secret beside the id.
const AWS_ID = /^A[KS]IA/;
const AWS_SECRET = /[^A-Za-z0-9/+]{1,12}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/y;

/** The text with every token replaced that is known by its form, also where it is percent-encoded or wrapped in base64. */
export function redactTokens(text: string): string {
  return text.length < SHORTEST ? text : replaceSpans(text, findInViews(text, findTokens));
}

function findTokens(text: string, found: Span[]): void {
  findForms(text, found, holdsToken);
  for (const span of found) {
    if (AWS_ID.test(text.slice(span.start, span.start + 4))) span.end = secretEnd(text, span.end);
  }
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
