import { expect, test } from 'vitest';
import { retryAfterOf } from '../../src/evidence/post-note.ts';

const NOW = Date.parse('2024-11-05T12:00:00Z');

test.each([
  [null, undefined],
  ['0', 0],
  ['120', 120_000],
  ['99999999', 86_400_000],
  ['Tue, 05 Nov 2024 12:00:30 GMT', 30_000],
  ['Tue, 05 Nov 2024 11:00:00 GMT', 0],
  ['soon', undefined],
  ['-5 minutes', undefined],
  ['', undefined],
])('Retry-After: %s', (value, expected) => {
  expect(retryAfterOf(value, NOW)).toBe(expected);
});
