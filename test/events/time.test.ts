import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTime } from '../../src/events/time.ts';

const DAY_MS = 86_400_000;
const MOST_MS = 8_640_000_000_000_000;

test('a time is written as ECMAScript writes it, whatever was written before', () => {
  const anywhere = fc.double({ min: -MOST_MS, max: MOST_MS, noNaN: true });
  // Around midnight, and on the days next to one another.
  const near = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2, max: 2 }));
  const time = fc.oneof(
    anywhere,
    near.map(([days, milliseconds]) => days * DAY_MS + milliseconds),
  );
  fc.assert(
    fc.property(fc.array(time), (times) => {
      expect(times.map(formatTime)).toEqual(times.map((one) => new Date(one).toISOString()));
    }),
    { numRuns: 1_000 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, MOST_MS + DAY_MS, -MOST_MS - 1])('%s is no time', (time) => {
  expect(() => formatTime(time)).toThrow(RangeError);
});
