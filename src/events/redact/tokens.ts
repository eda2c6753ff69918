import { findForms } from './scanner.ts';
import { replaceSpans, type Span } from './spans.ts';
import { findInViews } from './views.ts';
import { findWrapped } from './wrapped.ts';

/** The shortest text that holds a token. */
export const SHORTEST_TOKEN = 16;

// JWS and JWE: the header is base64url of {" or of { and white space. What comes before is no part of such a run, so that
// no run is read twice.
const JWT = /(?<![\w-])e(?:yJ|yAi|w0K|wo[giJK])[\w-]{10,}(?:\.[\w-]*){2,4}/g;
// A file of credentials has the secret beside the id.
const AWS_SECRET = /[^A-Za-z0-9/+]{1,12}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/y;
const AWS_ID = /^A[KS]IA/;
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;

/** The text with every token replaced that is known by its form, also where it is percent-encoded or wrapped in base64. */
export function redactTokens(text: string): string {
  return text.length < SHORTEST_TOKEN ? text : replaceSpans(text, findInViews(text, findTokens));
}

function findTokens(text: string, found: Span[]): void {
  const wrapped = found.length;
  findPlain(text, found);
  for (let index = wrapped; index < found.length; index += 1) {
    const span = found[index] as Span;
    if (AWS_ID.test(text.slice(span.start, span.start + 4))) span.end = secretEnd(text, span.end);
  }
  findWrapped(text, holdsToken, found);
}

function findPlain(text: string, found: Span[]): void {
  findForms(text, found);
  for (const { 0: token, index } of text.matchAll(JWT)) found.push({ start: index, end: index + token.length });
}

function holdsToken(text: string): boolean {
  const found: Span[] = [];
  findPlain(text, found);
  return found.length > 0 || PRIVATE_KEY.test(text);
}

function secretEnd(text: string, at: number): number {
  AWS_SECRET.lastIndex = at;
  return AWS_SECRET.test(text) ? AWS_SECRET.lastIndex : at;
}
