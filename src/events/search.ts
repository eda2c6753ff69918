import { badInput } from '../errors.ts';
import type { AuditEvent } from './event.ts';
import { formerWordsOf, INDEXED_PREFIX, orderedWords, prefixKey, searchWords, wordsOf } from './words.ts';

/** Most words of one term, and most terms of several words or left out: each is compared with the whole text of an event. */
const MAX_TERM_WORDS = 128;
const MAX_COMPARED = 32;
// One "-" before a term leaves it out. Quotes as keyboards and as word processors write them; one that is not closed
// reaches to the end.
const TERM = /((?<!\S)-(?!-))?(?:["“”]([^"“”]*)(?:["“”]|$)|(\S+))/g;
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
  /** What the event must not be found by: a condition for each term that is left out. */
  excluded?: SearchCondition[];
}

interface Term {
  words: string[];
  phrase: string | undefined;
  formerWords: string[];
  hasPrefix: boolean;
}

/**
 * Reads a search text: terms between blanks, or in quotes. A term is found where its words stand in its order, one behind
 * the other; `*` at the end of one without quotes stands for the rest of a word; `-` before a term leaves out what it
 * finds. Throws BAD_USER_INPUT when there is nothing to look for.
 */
export function parseSearch(text: string, path: string): SearchCondition {
  const wanted: Term[] = [];
  const excluded: SearchCondition[] = [];
  for (const [, minus, quoted, plain] of text.matchAll(TERM)) {
    const term = readTerm({ quoted, plain }, path);
    if (minus === undefined) wanted.push(term);
    else if (term.words.length > 0) excluded.push(conditionOf([term]));
  }
  const condition = conditionOf(wanted);
  const { words, phrases = [] } = condition;
  if (words.length === 0)
    throw badInput(
      path,
      `must have a word to look for: letters or digits${excluded.length > 0 ? ', without "-"' : ''}`,
    );
  if (phrases.length + excluded.length > MAX_COMPARED)
    throw badInput(
      path,
      `has more than ${MAX_COMPARED} terms that are phrases, end with "*", or begin with "-"`,
    );
  return { ...condition, ...(excluded.length > 0 && { excluded }) };
}

function readTerm(
  { quoted, plain = '' }: { quoted?: string | undefined; plain?: string | undefined },
  path: string,
): Term {
  const text = quoted ?? plain;
  const hasPrefix = quoted === undefined && isPrefixTerm(text);
  const parts = wordsOf(text);
  if (parts.length > MAX_TERM_WORDS) throw badInput(path, `has a term of more than ${MAX_TERM_WORDS} words`);
  if (parts.length === 0 && quoted !== undefined) throw badInput(path, 'has quotes without a word in them');
  return {
    words: storedWords(parts, hasPrefix, path),
    phrase: parts.length > 1 || hasPrefix ? `${parts.join(' ')}${hasPrefix ? '*' : ''}` : undefined,
    formerWords: formerWordsOf(text),
    hasPrefix,
  };
}

/** What finds the events with all of the terms. */
function conditionOf(terms: readonly Term[]): SearchCondition {
  const words = new Set(terms.flatMap((term) => term.words));
  const phrases = new Set(terms.flatMap(({ phrase }) => phrase ?? []));
  const former = new Set(terms.flatMap((term) => term.formerWords));
  const isSame = former.size === words.size && [...former].every((word) => words.has(word));
  const hasPrefix = terms.some((term) => term.hasPrefix);
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
function storedWords(parts: string[], isPrefix: boolean, path: string): string[] {
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
export function isFound(event: AuditEvent, { words, phrases = [], excluded = [] }: SearchCondition): boolean {
  const present = presentOf(event);
  return (
    words.every((word) => present.words.has(word)) &&
    phrases.every((phrase) => present.text.includes(needleOf(phrase))) &&
    !excluded.some((condition) => isFound(event, condition))
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
