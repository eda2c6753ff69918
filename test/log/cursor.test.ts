import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCursor, parseCursor } from '../../src/log/cursor.ts';

const FIRST = Date.parse('0001-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');
const refusal = expect.objectContaining({
  code: 'BAD_USER_INPUT',
  message: expect.stringContaining('is not a cursor of this log'),
});

test('a cursor of every place that an event can have is read as that place', () => {
  const place = fc.record({ timestamp: fc.integer({ min: FIRST, max: LAST }), position: fc.maxSafeNat() });
  fc.assert(
    fc.property(place, (cursor) => {
      expect(parseCursor(formatCursor(cursor), 'after')).toEqual(cursor);
    }),
  );
});

test.each([
  ['a time before the year 1', FIRST - 1, 0],
  ['a time after the year 9999', LAST + 1, 0],
  ['a time before every time of PostgreSQL', -999_999_999_999_999, 0],
  ['a position that is no safe integer', 0, Number.MAX_SAFE_INTEGER + 1],
  ['a position below 0', 0, -1],
])('%s is no cursor', (_what, timestamp, position) => {
  expect(() => parseCursor(formatCursor({ timestamp, position }), 'after')).toThrow(refusal);
});

test('any other text is no cursor: another spelling, a longer one, nothing', () => {
  const good = formatCursor({ timestamp: 5, position: 7 });
  const of = (text: string) => Buffer.from(text).toString('base64url');
  for (const text of [
    '',
    `${good}=`,
    `${good} `,
    good.slice(0, -1),
    of('5:07'),
    of('-0:7'),
    of('5:7:1'),
    of('5'),
  ]) {
    expect(() => parseCursor(text, 'after')).toThrow(refusal);
  }
});
