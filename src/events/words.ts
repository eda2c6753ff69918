import type { EventRecord } from './event.ts';

const MAX_WORD_LENGTH = 64;
const ASCII = /^\p{ASCII}*$/u;
const ASCII_WORDS = /[a-z\d]+/g;
// Unicode's reordering of marks takes the square of their number: a word keeps no more than this of a run.
const MARK = '[\\p{M}\\uff9e\\uff9f]';
const MARKS = new RegExp(`(?<!${MARK})(${MARK}{${MAX_WORD_LENGTH}})${MARK}+`, 'gu');
const SEPARATORS = /[^\p{L}\p{N}\p{M}]+/u;

/** The words of a text: runs of letters, marks and digits, NFKC, in lower case, at most 64 code units each. */
export function wordsOf(text: string): string[] {
  // The same, without the tables of Unicode: nearly every text.
  if (ASCII.test(text)) return (text.toLowerCase().match(ASCII_WORDS) ?? []).map(shortened);
  return text
    .replace(MARKS, '$1')
    .normalize('NFKC')
    .toLowerCase()
    .split(SEPARATORS)
    .filter((word) => word !== '')
    .map((word) => shortened(word).toWellFormed());
}

function shortened(word: string): string {
  return word.length > MAX_WORD_LENGTH ? word.slice(0, MAX_WORD_LENGTH) : word;
}

/** The distinct words that `search` finds an event by: of its action, description, ids and resource. */
export function searchWords(event: Omit<EventRecord, 'id' | 'salt' | 'recordedAt'>): string[] {
  const { action, description, userId, customerId, sessionId, requestId, resourceType, resourceId } = event;
  const texts = [action, description, userId, customerId, sessionId, requestId, resourceType, resourceId];
  return [...new Set(wordsOf(texts.filter((text) => text !== undefined).join(' ')))];
}
