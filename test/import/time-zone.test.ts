import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedZone, namedZone } from '../../src/import/source-time.ts';

const at = (zone: string, local: string, abbreviation?: string) => {
  const { timeMs, note } = namedZone(zone)(Date.parse(`${local}Z`), abbreviation);
  return [new Date(timeMs).toISOString().slice(0, 19), note] as const;
};
const TWICE = /occurs twice in .*, as the clocks are set back: its first occurrence is taken/;
const NEVER = /does not occur in .*, as the clocks are set forward: the offset before that is taken/;

describe('a named time zone', () => {
  it.each([
    ['Europe/Berlin', '2024-01-15T12:00:00', '2024-01-15T11:00:00'],
    ['Europe/Berlin', '2024-07-15T12:00:00', '2024-07-15T10:00:00'],
    ['Europe/Berlin', '2024-03-31T01:59:59', '2024-03-31T00:59:59'],
    ['Europe/Berlin', '2024-03-31T03:00:00', '2024-03-31T01:00:00'],
    ['Europe/Berlin', '2024-10-27T01:59:59', '2024-10-26T23:59:59'],
    ['Europe/Berlin', '2024-10-27T03:00:00', '2024-10-27T02:00:00'],
    ['America/New_York', '2024-11-03T12:00:00', '2024-11-03T17:00:00'],
    ['Asia/Kolkata', '2024-07-01T00:00:00', '2024-06-30T18:30:00'],
    ['Australia/Lord_Howe', '2024-01-01T00:00:00', '2023-12-31T13:00:00'],
    ['Pacific/Apia', '2011-12-31T00:00:00', '2011-12-30T10:00:00'],
    ['UTC', '2024-07-01T00:00:00', '2024-07-01T00:00:00'],
  ])('%s at %s is %s in UTC', (zone, local, utc) => expect(at(zone, local)).toEqual([utc, undefined]));

  it.each([
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T00:30:00', TWICE],
    ['Europe/Berlin', '2024-10-27T02:00:00', '2024-10-27T00:00:00', TWICE],
    ['Europe/Berlin', '2024-03-31T02:30:00', '2024-03-31T01:30:00', NEVER],
    ['America/New_York', '2024-11-03T01:30:00', '2024-11-03T05:30:00', TWICE],
    ['Australia/Lord_Howe', '2024-04-07T01:45:00', '2024-04-06T14:45:00', TWICE],
    ['Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00', NEVER],
  ])('%s at %s is %s, and says so', (zone, local, utc, note) => {
    const [time, said] = at(zone, local);
    expect(time).toBe(utc);
    expect(said).toMatch(note);
  });

  it.each([
    ['Europe/Berlin', '2024-10-27T02:30:00', 'CEST', '2024-10-27T00:30:00'],
    ['Europe/Berlin', '2024-10-27T02:30:00', 'CET', '2024-10-27T01:30:00'],
    ['Europe/London', '2024-10-27T01:30:00', 'GMT', '2024-10-27T01:30:00'],
    ['America/New_York', '2024-11-03T01:30:00', 'EST', '2024-11-03T06:30:00'],
    ['Australia/Sydney', '2024-04-07T02:30:00', 'AEST', '2024-04-06T16:30:00'],
  ])('%s at %s %s is %s: the abbreviation says which of two', (zone, local, abbreviation, utc) =>
    expect(at(zone, local, abbreviation)).toEqual([utc, undefined]),
  );

  it.each(['PST', 'LOCAL', 'GMT+5'])(
    'an abbreviation that is not of the zone decides nothing: %s',
    (abbreviation) => {
      const [time, said] = at('Europe/Athens', '2024-10-27T03:30:00', abbreviation);
      expect(time).toBe('2024-10-27T00:30:00');
      expect(said).toMatch(TWICE);
    },
  );

  it('agrees with its own clocks at every time', () => {
    const zones = [
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Tehran',
      'Australia/Lord_Howe',
      'Pacific/Chatham',
    ];
    const times = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2030, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), times, (zone, anyMs) => {
        const timeMs = Math.floor(anyMs / 1_000) * 1_000;
        const shown = new Date(timeMs).toLocaleString('sv-SE', { timeZone: zone }).replace(' ', 'T');
        const found = namedZone(zone)(Date.parse(`${shown}Z`));
        expect(found.note === undefined ? found.timeMs : timeMs).toBe(timeMs);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when there is none of the name', () => {
    expect(() => namedZone('Europe/Nowhere')).toThrow(RangeError);
  });
});

it('a fixed offset is the same all year', () => {
  expect(fixedZone('+0530')(0).timeMs).toBe(-19_800_000);
  expect(fixedZone('-02:00')(0).timeMs).toBe(7_200_000);
  expect(fixedZone('Z')(5).timeMs).toBe(5);
});
