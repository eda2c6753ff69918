import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCursor, parseCursor } from '../../../src/log/read/cursor.ts';

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

test('a cursor of which a character is changed, cut, added or moved is none', () => {
  const place = fc.record({ timestamp: fc.integer({ min: FIRST, max: LAST }), position: fc.nat() });
  const letters = fc.constantFrom(...'ABCXYZabcxyz0189-_= .');
  fc.assert(
    fc.property(place, fc.nat(), letters, (cursor, number, letter) => {
      const text = formatCursor(cursor);
      const at = number % text.length;
      const [before, after] = [text.slice(0, at), text.slice(at + 1)];
      for (const other of [
        before + letter + after,
        before + after,
        text.slice(0, at),
        text + letter,
        after + before,
      ]) {
        if (other !== text) expect(() => parseCursor(other, 'after')).toThrow(refusal);
      }
    }),
  );
});

test.each([
  ['a time of -0', -0, 7],
  ['a position of -0', 5, -0],
  ['a time with a fraction', 5.5, 7],
  ['a position with a fraction', 5, 7.5],
  ['no time', Number.NaN, 7],
  ['a time without end', Number.POSITIVE_INFINITY, 7],
])('%s is no cursor, with the right checksum', (_what, timestamp, position) => {
  expect(() => parseCursor(formatCursor({ timestamp, position }), 'after')).toThrow(refusal);
});

test('bytes that are too few or too many are no cursor, with the right checksum', () => {
  for (const length of [0, 1, 15, 17, 40]) {
    const place = Buffer.alloc(length);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(place));
    const text = Buffer.concat([place, checksum]).toString('base64url');
    expect(() => parseCursor(text, 'after')).toThrow(refusal);
  }
});
