import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wordsOf } from '../../src/events/words.ts';

/** What a word is, by the tables of Unicode alone. */
function words(text: string): string[] {
  const runs =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return runs.map((run) => run.slice(0, 64).toWellFormed());
}

test('a text of ASCII alone has the words that Unicode says', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 200 }),
    fc.string({ unit: 'grapheme', maxLength: 50 }),
    fc.string({ unit: fc.constantFrom('a', 'Z', '9', '_', '-'), maxLength: 200 }),
  );
  fc.assert(
    fc.property(text, (one) => {
      expect(wordsOf(one)).toEqual(words(one));
    }),
    { numRuns: 1_000 },
  );
});
