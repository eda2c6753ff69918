import { REDACTED } from './replaced.ts';

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = '-----END';
const PUTTY = /\bPrivate-Lines: ?\d/g;

/** What the texts that hold a private key have in common with few others, to be looked for at the start of a word. */
export const KEY_MARKS: readonly string[] = ['PRIVATE KEY', 'Private-Lines:'];

/** The text with every private key replaced, also with `\n` for its line ends; one that has no end, up to the text's. */
export function redactKeys(text: string): string {
  const putty = text.search(PUTTY);
  return redactPem(putty < 0 ? text : text.slice(0, putty) + REDACTED);
}

function redactPem(text: string): string {
  let result = '';
  let rest = 0;
  for (const { index } of text.matchAll(BEGIN)) {
    if (index < rest) continue;
    result += text.slice(rest, index) + REDACTED;
    rest = endOf(text, index);
  }
  return result + text.slice(rest);
}

function endOf(text: string, begin: number): number {
  const end = text.indexOf(END, begin);
  if (end < 0) return text.length;
  const close = text.indexOf('-----', end + END.length);
  return close < 0 ? text.length : close + 5;
}
