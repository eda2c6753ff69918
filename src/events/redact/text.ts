import { mayHoldAccount, redactAccounts } from './accounts.ts';
import { mayHoldCard, redactCards } from './cards.ts';
import { HEADER_MARKS, redactHeaders } from './headers.ts';
import { KEY_MARKS, redactKeys } from './keys.ts';
import type { Sensitivity } from './names.ts';
import { createPairs } from './pairs.ts';
import { ESCAPE } from './replaced.ts';
import { redactTokens } from './tokens.ts';

// pwd=a, redis://:b@c
const SHORTEST = { pair: 5, header: 8 };

const MARKS = [...KEY_MARKS, ...HEADER_MARKS];
const HAS_MARK = new RegExp(`\\b(?:${MARKS.join('|')})`);
// Where these are, a mark may be behind an escape or an underscore.
const HAS_HIDING_PLACE = /[\\%_]/;
const HAS_HIDDEN_MARK = new RegExp(`(?:${ESCAPE}|_)(?:${MARKS.join('|')})`);
const HAS_PAIR = /[=:>'"：＝]|--|%3[Dd]/;

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
  const redactNamed = createPairs(sensitivityOf, further);
  const redactPairs = (text: string): string => (HAS_PAIR.test(text) ? redactNamed(text) : text);
  return {
    redactText(text) {
      return text.length < SHORTEST.pair ? text : redactPairs(redactNumbers(redactForms(text)));
    },
    holdsCredential(text) {
      return text.length >= SHORTEST.pair && redactPairs(redactForms(text)) !== text;
    },
  };
}

// Nearly every text has no mark: these looks, and those for tokens and numbers, are what it costs.
function redactForms(text: string): string {
  if (!isMarked(text)) return redactTokens(text);
  return redactHeaders(redactTokens(redactKeys(text)));
}

function isMarked(text: string): boolean {
  if (text.length < SHORTEST.header) return false;
  return HAS_MARK.test(text) || (HAS_HIDING_PLACE.test(text) && HAS_HIDDEN_MARK.test(text));
}

function redactNumbers(text: string): string {
  const rest = mayHoldAccount(text) ? redactAccounts(text) : text;
  return mayHoldCard(rest) ? redactCards(rest) : rest;
}
