import { findAccounts, findCards, MIN_ACCOUNT_DIGITS, MIN_CARD_DIGITS } from './card-and-account-numbers.ts';
import { type DecodedText, decodedViewsOf, findInViews, findWithAsciiDigits } from './decoded-text.ts';
import { memoized, type Sensitivity } from './name-sensitivity.ts';
import { createPairs } from './name-value-pairs.ts';
import { HEADER_MARKS, KEY_MARKS, redactHeaders, redactKeys } from './private-keys-and-credentials.ts';
import { ESCAPE, replaceSpans, type Span } from './replacement.ts';
import {
  digitsOf,
  ESCAPE_SYMBOL,
  findTokens,
  NOT_ASCII,
  numberDigitsOf,
  PAIR_SYMBOL,
  UNDERSCORE,
} from './token-scanner.ts';

// pwd=a, redis://:b@c
const SHORTEST = { pair: 5, header: 8 };

const ALL_MARKS = [...KEY_MARKS, ...HEADER_MARKS];
const HAS_MARK = new RegExp(`\\b(?:${ALL_MARKS.join('|')})`);
// A mark may also follow an escape or an underscore.
const HAS_HIDDEN_MARK = new RegExp(`(?:${ESCAPE}|_)(?:${ALL_MARKS.join('|')})`);
const HAS_PAIR = /[=:>'"：＝]|--|%3[Dd]/;

/** The redaction of texts. */
export interface TextRedaction {
  redactText(text: string): string;
  /** Whether the text contains a secret other than card and account numbers, which other numbers may look like. */
  holdsCredential(text: string): boolean;
}

/**
 * Creates the redaction of text: it replaces secrets that are known by their form, and values with a sensitive name
 * (`password=...`). The rest of the text stays. Takes linear time in the length of the text.
 */
export function createTextRedaction(
  sensitivityOf: (key: string) => Sensitivity,
  further: readonly string[],
): TextRedaction {
  // The names in a text begin with a sensitive name, and tokens in them are replaced before.
  const redactPairs = createPairs(memoized(sensitivityOf), further);
  const redact = (text: string, withNumbers: boolean): string => {
    if (text.length < SHORTEST.pair) return text;
    const found: Span[] = [];
    const seen = findTokens(text, found);
    // Not kept for the next call: the text may be a secret, which must not stay in memory.
    const views = (seen & ESCAPE_SYMBOL) === 0 ? NO_VIEWS : decodedViewsOf(text);
    findInViews(views, findTokens, found);
    if (withNumbers) findNumbers(text, { seen, views }, found);
    const rest = redactMarked(replaceSpans(text, found), seen);
    return mayHoldPair(seen) && HAS_PAIR.test(rest) ? redactPairs(rest) : rest;
  };
  return {
    redactText: (text) => redact(text, true),
    holdsCredential: (text) => redact(text, false) !== text,
  };
}

const NO_VIEWS: readonly DecodedText[] = [];

/** A scanned text: the kinds of its characters outside of tokens (`findForms`), and its decoded views. */
interface ScannedText {
  seen: number;
  views: readonly DecodedText[];
}

function findNumbers(text: string, scanned: ScannedText, found: Span[]): void {
  const { seen } = scanned;
  const mayHide = (seen & (ESCAPE_SYMBOL | NOT_ASCII)) !== 0;
  if (mayHide || digitsOf(seen) >= MIN_ACCOUNT_DIGITS) findEverywhere(text, scanned, ACCOUNTS, found);
  if (mayHide || numberDigitsOf(seen) >= MIN_CARD_DIGITS) findEverywhere(text, scanned, CARDS, found);
}

/** A search in a text, and the same search that also finds digits of other scripts. */
interface Search {
  plain: Find;
  anyDigits: Find;
}
type Find = (text: string, found: Span[]) => void;

const [ACCOUNTS, CARDS] = [findAccounts, findCards].map(
  (plain): Search => ({ plain, anyDigits: (text, found) => findWithAsciiDigits(text, plain, found) }),
) as [Search, Search];

function findEverywhere(
  text: string,
  { seen, views }: ScannedText,
  { plain, anyDigits }: Search,
  found: Span[],
): void {
  if ((seen & NOT_ASCII) === 0) plain(text, found);
  else anyDigits(text, found);
  findInViews(views, anyDigits, found);
}

// Nearly all texts have no mark, so these tests and the search for tokens determine the cost of redaction.
function redactMarked(text: string, seen: number): string {
  if (text.length < SHORTEST.header) return text;
  const mayHide = (seen & (ESCAPE_SYMBOL | UNDERSCORE)) !== 0;
  if (!HAS_MARK.test(text) && !(mayHide && HAS_HIDDEN_MARK.test(text))) return text;
  return redactHeaders(redactKeys(text));
}

function mayHoldPair(seen: number): boolean {
  return (seen & (PAIR_SYMBOL | ESCAPE_SYMBOL | NOT_ASCII)) !== 0;
}
