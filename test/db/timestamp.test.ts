import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTimestamp } from '../../src/db/client-with-deadlines.ts';

test.each([
  ['2026-01-31 12:00:00+00', '2026-01-31T12:00:00Z'],
  ['2026-01-31 12:00:00.5+00', '2026-01-31T12:00:00.500Z'],
  ['2026-01-31 12:00:00.123456+00', '2026-01-31T12:00:00.123Z'],
  ['2026-01-31 12:00:00.05+02', '2026-01-31T10:00:00.050Z'],
  ['2026-01-31 12:00:00-05:30', '2026-01-31T17:30:00Z'],
  ['1969-12-31 23:59:59.999+00', '1969-12-31T23:59:59.999Z'],
  ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00Z'],
  ['0099-12-31 23:59:59.999+00', '0099-12-31T23:59:59.999Z'],
  ['0100-01-01 00:00:00+00', '0100-01-01T00:00:00Z'],
])('%s is %s', (text, iso) => {
  expect(parseTimestamp(text)).toBe(Date.parse(iso));
});

test.each(['infinity', '-infinity', '0044-03-15 12:00:00+00 BC'])('%s is no time', (text) => {
  expect(parseTimestamp(text)).toBeNaN();
});

test('every time is read as it is printed', () => {
  const times = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(times, (time) => {
      const printed = time
        .toISOString()
        .replace('T', ' ')
        .replace(/\.?0*Z$/, '+00');
      expect(parseTimestamp(printed)).toBe(time.getTime());
    }),
  );
});
