import { badInput } from '../errors.ts';
import {
  type AuditEvent,
  type EventRecord,
  type JsonValue,
  SEARCHED_FIELDS,
  type SearchedField,
} from './fields.ts';

const MAX_WORD_LENGTH = 64;
/** Characters that the index knows the beginning of a word by. */
export const INDEXED_PREFIX = 3;
const ASCII = /^\p{ASCII}*$/u;
const ASCII_WORDS = /[a-z\d]+/g;
// Unicode's reordering of marks takes the square of their number: a word keeps no more than this of a run.
const MARK = '[\\p{M}\\uff9e\\uff9f]';
const MARKS = new RegExp(`(?<!${MARK})(${MARK}{${MAX_WORD_LENGTH}})${MARK}+`, 'gu');
const WORDS = /[\p{L}\p{N}\p{M}]+/gu;
// Scripts that are written without blanks between words; Korean has some, but joins particles to its words.
const UNSPACED_SCRIPTS = 'Han Hiragana Katakana Hangul Bopomofo Thai Lao Khmer Myanmar';
const UNSPACED = `[${UNSPACED_SCRIPTS.replace(/(\w+) ?/g, '\\p{scx=$1}')}]`;
const HAS_UNSPACED = new RegExp(UNSPACED, 'u');
const RUNS = new RegExp(`(${UNSPACED}+)|(?:(?!${UNSPACED}).)+`, 'gsu');
const FINAL_SIGMA = /ς/g;

/** Stands before the words of each text, so also first. Versions before migration 0060 wrote words without it. */
export const TEXT_START = '';

/**
 * The words of a text in its order: runs of letters, marks and digits, NFKC, in lower case. A word of more than 64 code units
 * is divided into several. In a script without spaces, each character is a word, and each pair of adjacent characters is one.
 * Their order makes every part of a run a phrase of its words.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  addWords(words, text);
  return words;
}

function addWords(words: string[], text: string): void {
  // The same, without the tables of Unicode: nearly every text.
  if (ASCII.test(text)) {
    for (const word of text.toLowerCase().match(ASCII_WORDS) ?? []) addWord(words, word);
    return;
  }
  const plain = text.replace(MARKS, '$1').normalize('NFKC').toLowerCase().replace(FINAL_SIGMA, 'σ');
  for (const word of plain.match(WORDS) ?? []) {
    if (!HAS_UNSPACED.test(word)) addWord(words, word);
    else
      for (const [run, unspaced] of word.matchAll(RUNS)) {
        if (unspaced === undefined) addWord(words, run);
        else addParts(words, unspaced);
      }
  }
}

function addWord(words: string[], word: string): void {
  if (word.length <= MAX_WORD_LENGTH) words.push(word);
  else
    for (let start = 0; start < word.length; ) {
      const end = endOf(word, start + MAX_WORD_LENGTH);
      words.push(word.slice(start, end));
      start = end;
    }
}

// Not between the halves of a surrogate pair.
function endOf(word: string, end: number): number {
  const code = word.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

function addParts(words: string[], run: string): void {
  let last = '';
  for (const character of run) {
    if (last !== '') words.push(last + character);
    words.push(character);
    last = character;
  }
}

/** What the index has for the words that begin like this one; undefined when it is too short. */
export function prefixKey(word: string): string | undefined {
  return word.length < INDEXED_PREFIX ? undefined : `${word.slice(0, endOf(word, INDEXED_PREFIX))}*`;
}

type Searchable = Pick<EventRecord, SearchedField>;

/** The texts that versions before migration 0060 searched. They come first in the stored words, in this order. */
const FORMER_TEXTS = [
  'action',
  'description',
  'userId',
  'customerId',
  'sessionId',
  'requestId',
  'resourceType',
  'resourceId',
] as const;
const SEARCH_ORDER = [
  ...FORMER_TEXTS,
  ...SEARCHED_FIELDS.filter((name) => !(FORMER_TEXTS as readonly string[]).includes(name)),
];

/**
 * What `search` finds an event by, as it is stored: the words of its searched fields, of an object those of its names and
 * values, each text behind `TEXT_START`; behind one more the beginnings of the words, for `prefixKey`.
 */
export function searchWords(event: Searchable): string[] {
  const words = orderedWords(event);
  const keys = new Set<string>();
  for (const word of words) {
    const key = prefixKey(word);
    if (key !== undefined) keys.add(key);
  }
  words.push(TEXT_START, ...keys);
  return words;
}

/** The part of `searchWords` that is in the order of the texts. */
export function orderedWords(event: Searchable): string[] {
  const words: string[] = [];
  const add = (text: string) => {
    words.push(TEXT_START);
    addWords(words, text);
  };
  for (const name of SEARCH_ORDER) {
    const value = event[name];
    if (value !== undefined) addValues(value, add);
  }
  return words;
}

// In the order of the canonical form: the database keeps another one than the client had.
function addValues(value: JsonValue, add: (text: string) => void): void {
  if (typeof value === 'string') add(value);
  else if (typeof value === 'number') add(String(value));
  else if (Array.isArray(value)) for (const element of value) addValues(element, add);
  else if (value !== null && typeof value === 'object')
    for (const key of Object.keys(value).sort()) {
      add(key);
      addValues(value[key] as JsonValue, add);
    }
}

/** The words of a text as versions before migration 0060 made them: whole runs, of which 64 code units count. */
export function formerWordsOf(text: string): string[] {
  const plain = text.replace(MARKS, '$1').normalize('NFKC').toLowerCase();
  return [
    ...new Set((plain.match(WORDS) ?? []).map((word) => word.slice(0, MAX_WORD_LENGTH).toWellFormed())),
  ];
}

/** What those versions stored as the words of an event: distinct ones, of fewer texts, in no order that means anything. */
export function formerSearchWords(event: Searchable): string[] {
  return formerWordsOf(
    FORMER_TEXTS.map((name) => event[name])
      .filter((text) => text !== undefined)
      .join(' '),
  );
}

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

/** What the text of an event, as `SEARCH_TEXT` of `log/read/filter-sql.ts` makes it, has in it when a phrase of it is found. */
export function needleOf(phrase: string): string {
  return phrase.endsWith('*') ? ` ${phrase.slice(0, -1)}` : ` ${phrase} `;
}

/** Whether an event is found; agrees with the SQL of `log/read/filter-sql.ts` on every event with words in the present form. */
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
