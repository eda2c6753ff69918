import { ACCOUNT_MARKS, redactAccounts } from './accounts.ts';
import { CARD_MARKS, redactCards } from './cards.ts';
import { HEADER_MARKS, redactHeaders } from './headers.ts';
import { KEY_MARKS, redactKeys } from './keys.ts';
import type { Sensitivity } from './names.ts';
import { createPairs } from './pairs.ts';
import { ESCAPE } from './replaced.ts';
import { redactTokens } from './tokens.ts';

// pwd=a, redis://:b@c
const SHORTEST = { pair: 5, header: 8 };
const ANYTHING = /^/;

interface Family {
  /** Without it there is nothing to redact. */
  mark: RegExp;
  redact(text: string): string;
}

const CREDENTIALS: readonly Family[] = [
  { mark: anyOf(KEY_MARKS), redact: redactKeys },
  { mark: ANYTHING, redact: redactTokens },
  { mark: anyOf(HEADER_MARKS), redact: redactHeaders },
];
const FAMILIES: readonly Family[] = [
  ...CREDENTIALS,
  { mark: anyOf(ACCOUNT_MARKS), redact: redactAccounts },
  { mark: anyOf(CARD_MARKS), redact: redactCards },
];
const MARKS = [...KEY_MARKS, ...HEADER_MARKS, ...ACCOUNT_MARKS, ...CARD_MARKS];
const HAS_MARK = new RegExp(`\\b(?:${MARKS.join('|')})`);
// Where these are, a mark may be behind an escape or an underscore.
const HAS_HIDING_PLACE = /[\\%_]/;
const HAS_HIDDEN_MARK = new RegExp(`(?:${ESCAPE}|_)(?:${MARKS.join('|')})`);
const HAS_PAIR = /[=:>'"]|--|%3[Dd]/;
// Without any of these there is neither a pair nor a hiding place.
const HAS_SIGN = /[=:>'"\\%_]|--/;

/** The redaction of texts. */
export interface TextRedaction {
  redactText(text: string): string;
  /** Whether there is more to redact than the numbers of cards and bank accounts, which other numbers may look like. */
  holdsCredential(text: string): boolean;
}

/**
 * Makes the redaction of a text: of what is a secret by its form, wherever it stands, and of what is named as one
 * (`password=...`). The rest of the text stays. Linear in the length of the text.
 */
export function createTextRedaction(
  sensitivityOf: (key: string) => Sensitivity,
  further: readonly string[],
): TextRedaction {
  const redactPairs = createPairs(sensitivityOf, further);
  const without = (text: string, families: readonly Family[]): string => {
    if (text.length < SHORTEST.pair) return text;
    const isPlain = !HAS_SIGN.test(text);
    const rest = isMarked(text, isPlain) ? redactFamilies(text, families) : redactTokens(text);
    return isPlain || !HAS_PAIR.test(rest) ? rest : redactPairs(rest);
  };
  return {
    redactText: (text) => without(text, FAMILIES),
    holdsCredential: (text) => without(text, CREDENTIALS) !== text,
  };
}

// Nearly every text has no mark: these looks, and the one for tokens, are what it costs.
function isMarked(text: string, isPlain: boolean): boolean {
  if (text.length < SHORTEST.header) return false;
  if (HAS_MARK.test(text)) return true;
  return !isPlain && HAS_HIDING_PLACE.test(text) && HAS_HIDDEN_MARK.test(text);
}

function redactFamilies(text: string, families: readonly Family[]): string {
  let result = text;
  for (const { mark, redact } of families) if (mark.test(result)) result = redact(result);
  return result;
}

function anyOf(marks: readonly string[]): RegExp {
  return new RegExp(marks.join('|'));
}
