import { badInput } from '../errors.ts';
import type { AuditEvent } from './event.ts';
import { formerWordsOf, INDEXED_PREFIX, orderedWords, prefixKey, searchWords, wordsOf } from './words.ts';

/** Most words of one term, and most terms of several words: each is compared with the whole text of an event. */
const MAX_TERM_WORDS = 128;
const MAX_PHRASES = 32;
// Quotes as keyboards and as word processors write them. One that is not closed reaches to the end.
const TERM = /["“”]([^"“”]*)(?:["“”]|$)|\S+/g;
const ENDS_WITH_WORD = /[\p{L}\p{N}\p{M}]$/u;

/** What a search text asks of an event. */
export interface SearchCondition {
  /** Stored words, every one of which the event has: what the index is asked. */
  words: string[];
  /** Words that stand one behind the other in one text of the event, joined by blanks; with `*` the last only begins so. */
  phrases?: string[];
  /**
   * The words that events have instead that were recorded before migration 0060, in any order. Absent: the same. Empty:
   * those events cannot be found.
   */
  formerWords?: string[];
}

/**
 * Reads a search text: terms between blanks, or in quotes. A term is found where its words stand in its order, one behind
 * the other; `*` at the end of one without quotes stands for the rest of a word. Throws BAD_USER_INPUT when there is
 * nothing to look for.
 */
export function parseSearch(text: string, path: string): SearchCondition {
  const words = new Set<string>();
  const phrases = new Set<string>();
  const former = new Set<string>();
  let hasPrefix = false;
  for (const [term, quoted] of text.matchAll(TERM)) {
    const isPrefix = quoted === undefined && isPrefixTerm(term);
    const parts = wordsOf(quoted ?? term);
    if (parts.length > MAX_TERM_WORDS)
      throw badInput(path, `has a term of more than ${MAX_TERM_WORDS} words`);
    if (parts.length === 0 && quoted !== undefined) throw badInput(path, 'has quotes without a word in them');
    for (const word of wanted(parts, isPrefix, path)) words.add(word);
    if (parts.length > 1 || isPrefix) phrases.add(`${parts.join(' ')}${isPrefix ? '*' : ''}`);
    for (const word of formerWordsOf(quoted ?? term)) former.add(word);
    hasPrefix ||= isPrefix;
  }
  if (words.size === 0) throw badInput(path, 'must have a word to look for: letters or digits');
  if (phrases.size > MAX_PHRASES)
    throw badInput(path, `has more than ${MAX_PHRASES} terms that are phrases, or that end with "*"`);
  const isSame = former.size === words.size && [...former].every((word) => words.has(word));
  return {
    words: [...words],
    ...(phrases.size > 0 && { phrases: [...phrases] }),
    ...(hasPrefix ? { formerWords: [] } : !isSame && { formerWords: [...former] }),
  };
}

function isPrefixTerm(term: string): boolean {
  let end = term.length;
  while (term[end - 1] === '*') end -= 1;
  return end < term.length && ENDS_WITH_WORD.test(term.slice(0, end));
}

// Of the stored words those that an event with the term has.
function wanted(parts: string[], isPrefix: boolean, path: string): string[] {
  const last = parts.at(-1);
  if (!isPrefix || last === undefined) return parts;
  const key = prefixKey(last);
  const others = parts.slice(0, -1);
  if (key === undefined && others.length === 0)
    throw badInput(path, `needs ${INDEXED_PREFIX} characters of a word before "*"`);
  return key === undefined ? others : [...others, key];
}

/** What the text of an event, as `SEARCH_TEXT` of `log/where.ts` makes it, has in it when a phrase of it is found. */
export function needleOf(phrase: string): string {
  return phrase.endsWith('*') ? ` ${phrase.slice(0, -1)}` : ` ${phrase} `;
}

/** Whether an event is found; agrees with the SQL of `log/where.ts` on every event with words in the present form. */
export function isFound(event: AuditEvent, { words, phrases = [] }: SearchCondition): boolean {
  const present = presentOf(event);
  return (
    words.every((word) => present.words.has(word)) &&
    phrases.every((phrase) => present.text.includes(needleOf(phrase)))
  );
}

interface Present {
  event: AuditEvent;
  words: ReadonlySet<string>;
  text: string;
}

// Many subscribers look at one event, one after another.
let newest: Present | undefined;

function presentOf(event: AuditEvent): Present {
  if (newest?.event !== event)
    newest = {
      event,
      words: new Set(searchWords(event)),
      text: ` ${orderedWords(event).join(' ')} `,
    };
  return newest;
}
