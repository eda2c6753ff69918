import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formerSearchWords,
  formerWordsOf,
  parseSearch,
  searchWords,
  wordsOf,
} from '../../src/events/search.ts';

/** What a word is, by the tables of Unicode alone. */
function words(text: string): string[] {
  const runs =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return runs.flatMap((run) => run.match(/.{1,64}/gs) ?? []);
}

const ascii = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', 'Z', '9', '_', '-'), maxLength: 200 }),
);

test('a text of ASCII alone has the words that Unicode says', () => {
  fc.assert(
    fc.property(ascii, (one) => {
      expect(wordsOf(one)).toEqual(words(one));
    }),
    { numRuns: 1_000 },
  );
});

test('a text has the same words whatever stands around it', () => {
  const text = fc.oneof(ascii, fc.string({ unit: 'grapheme', maxLength: 50 }));
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(wordsOf(`${one} ${other}`)).toEqual([...wordsOf(one), ...wordsOf(other)]);
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ['Über straße', ['über', 'straße']],
  ['ΟΔΟΣ οδός', ['οδοσ', 'οδόσ']],
  ['ﬁle Ⅳ', ['file', 'iv']],
  ['日本語', ['日', '日本', '本', '本語', '語']],
  ['iPhone電話4', ['iphone', '電', '電話', '話', '4']],
  ['ｶﾞｽ', ['ガ', 'ガス', 'ス']],
  ['ไทย', ['ไ', 'ไท', 'ท', 'ทย', 'ย']],
  [`${'a'.repeat(64)}b`, ['a'.repeat(64), 'b']],
  [`é${'a'.repeat(62)}\u{20000}`, [`é${'a'.repeat(62)}`, '\u{20000}']],
  [`é${'a'.repeat(62)}\u{10400}`, [`é${'a'.repeat(62)}`, '\u{10428}']],
  ['🚨 ***', []],
])('the words of %s are %j', (text, expected) => {
  expect(wordsOf(text)).toEqual(expected);
});

test('an event has the words of each of its texts in order, and their beginnings', () => {
  const event = {
    timestamp: 0,
    eventType: 'data.update',
    outcome: 'success' as const,
    severity: 'info' as const,
    action: 'move it',
    description: '',
    userId: 'anna@bert.example',
    details: { not: 'here' },
    userAgent: 'curl/8',
    newValues: { zone: ['b', 1.5, null, true, { deep: 'Zeus13' }], area: 'a' },
  };
  const starts = ['mov*', 'ann*', 'ber*', 'exa*', 'cur*', 'are*', 'zon*', 'dee*', 'zeu*'];
  expect(searchWords(event)).toEqual([
    ...['', 'move', 'it', '', '', 'anna', 'bert', 'example', '', 'curl', '8'],
    ...['', 'area', '', 'a', '', 'zone', '', 'b', '', '1', '5', '', 'deep', '', 'zeus13'],
    ...['', ...starts],
  ]);
  expect(formerSearchWords(event)).toEqual(['move', 'it', 'anna', 'bert', 'example']);
  expect(formerWordsOf(`日本語 a a ${'b'.repeat(65)}`)).toEqual(['日本語', 'a', 'b'.repeat(64)]);
});

describe('a search text', () => {
  test.each([
    ['anna bert', { words: ['anna', 'bert'] }],
    ['10.0.0.1', { words: ['10', '0', '1'], phrases: ['10 0 0 1'] }],
    ['"the Last one" anna', { words: ['the', 'last', 'one', 'anna'], phrases: ['the last one'] }],
    ['“the last', { words: ['the', 'last'], phrases: ['the last'] }],
    ['exam*', { words: ['exa*'], phrases: ['exam*'], formerWords: [] }],
    ['exam** x', { words: ['exa*', 'x'], phrases: ['exam*'], formerWords: [] }],
    ['10.0*', { words: ['10'], phrases: ['10 0*'], formerWords: [] }],
    ['10.0.*', { words: ['10', '0'], phrases: ['10 0'] }],
    ['"exam*"', { words: ['exam'] }],
    ['本語', { words: ['本', '本語', '語'], phrases: ['本 本語 語'], formerWords: ['本語'] }],
    ['a & b 🚨', { words: ['a', 'b'] }],
    ['a -b', { words: ['a'], excluded: [{ words: ['b'] }] }],
    ['-"B c" a', { words: ['a'], excluded: [{ words: ['b', 'c'], phrases: ['b c'] }] }],
    [
      'a -exam* -1.0',
      {
        words: ['a'],
        excluded: [
          { words: ['exa*'], phrases: ['exam*'], formerWords: [] },
          { words: ['1', '0'], phrases: ['1 0'] },
        ],
      },
    ],
    ['a --b', { words: ['a', 'b'] }],
    ['a - b ->', { words: ['a', 'b'] }],
    ['a-b', { words: ['a', 'b'], phrases: ['a b'] }],
    ['a -🚨', { words: ['a'] }],
  ])('%s asks for %j', (text, expected) => {
    expect(parseSearch(text, '')).toEqual(expected);
  });

  test.each([
    ['***', 'must have a word'],
    ['anna ""', 'quotes without a word'],
    ['ab*', 'needs 3 characters'],
    ['anna ab*', 'needs 3 characters'],
    ['-anna', 'must have a word to look for: letters or digits, without "-"'],
    ['anna -""', 'quotes without a word'],
    ['anna -ab*', 'needs 3 characters'],
    [`a${Array.from({ length: 33 }, (_, n) => ` -a${n}`).join('')}`, 'more than 32 terms'],
    ['a.'.repeat(129), 'more than 128 words'],
    [Array.from({ length: 33 }, (_, n) => `a.${n}`).join(' '), 'more than 32 terms'],
  ])('%s is refused', (text, message) => {
    expect(() => parseSearch(text, 'filter.search')).toThrow(message);
  });
});
