import { offsetsOf } from '../events/time.ts';

const DAY_MS = 86_400_000;
const PATTERN =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:[.,]?(\d{1,12}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;

/**
 * Converts a time of a log to RFC 3339 (UTC, milliseconds). Accepts a date and time with `T` or a blank, any number of
 * fraction digits (also `00:00:00000000`, without the point), and an offset (default: UTC); or seconds, milliseconds,
 * microseconds or nanoseconds since 1970, distinguished by their size. A leap second, 23:59:60 in UTC, becomes the second
 * after it. Returns undefined for other values and for dates that do not exist.
 */
export function parseSourceTime(value: unknown): string | undefined {
  if (typeof value === 'number') return epochTime(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{9,19}(?:\.\d+)?$/.test(text)) return epochTime(Number(text));
  const match = PATTERN.exec(text);
  return match === null ? undefined : calendarTime(match);
}

function epochTime(value: number): string | undefined {
  const size = Math.abs(value);
  const milliseconds =
    size < 1e11 ? value * 1e3 : size < 1e14 ? value : size < 1e17 ? value / 1e3 : value / 1e6;
  const date = new Date(Math.trunc(milliseconds));
  return value > 0 && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
}

function calendarTime(match: RegExpExecArray): string | undefined {
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset = 'Z'] = match;
  const milliseconds = `${fraction}000`.slice(0, 3);
  // Added to the second before it: milliseconds since 1970 do not count leap seconds.
  const leapMs = second === '60' ? 1_000 : 0;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${leapMs ? '59' : second}.${milliseconds}`;
  const date = new Date(`${local}Z`);
  // Refuses what Date.parse would change: 30 February to a day in March, 24:00 to the next day.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== `${local}Z`) return undefined;
  const timeMs = date.getTime() + leapMs - offsetMinutes(offset) * 60_000;
  if (leapMs > 0 && (timeMs - Number(milliseconds)) % DAY_MS !== 0) return undefined;
  return new Date(timeMs).toISOString();
}

/** Minutes east of UTC of `Z`, `UTC`, `+02`, `+0200` or `+02:00`. */
function offsetMinutes(offset: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(offset);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? '0');
  return match[1] === '-' ? -minutes : minutes;
}

/** A local time in its zone. */
export interface LocalTime {
  /** Milliseconds since 1970. */
  timeMs: number;
  /** What was decided about a local time that occurs twice, or not at all. */
  note?: string;
}

/**
 * The UTC time of a wall clock; `localMs` is what the clock shows, read as if it were UTC. `abbreviation` is the short
 * name of the zone beside the time, such as `CEST`: it decides between the two occurrences of a local time.
 */
export type TimeZone = (localMs: number, abbreviation?: string) => LocalTime;

const HOUR_MS = 3_600_000;
/** No zone is further from UTC, and no change of its clocks is larger. */
const MAX_OFFSET_MS = 24 * HOUR_MS;

/** The zone of a fixed offset such as `+02:00`, or of `Z`. */
export function fixedZone(offset: string): TimeZone {
  const offsetMs = offsetMinutes(offset) * 60_000;
  return (localMs) => ({ timeMs: localMs - offsetMs });
}

/**
 * The zone of an IANA name such as `Europe/Berlin`, with its daylight saving time, from the time zone database of Node.
 * Where the clocks are set back, an hour occurs twice: the occurrence that has the abbreviation is taken, otherwise the
 * first one, which is noted. Where the clocks are set forward, an hour does not occur: the offset before the change is
 * taken, which is noted. Throws a RangeError for an unknown name.
 */
export function namedZone(name: string): TimeZone {
  const exactOffsetAt = offsetsOf(name);
  const offsets = new Map<number, number>();
  // Offsets change on full quarters of an hour only, so one look-up serves that long.
  const offsetAt = (timeMs: number) => {
    const quarter = Math.floor(timeMs / (HOUR_MS / 4));
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    if (offsets.size >= 10_000) offsets.clear();
    const offset = exactOffsetAt(quarter * (HOUR_MS / 4));
    offsets.set(quarter, offset);
    return offset;
  };
  const abbreviationsAt = abbreviationsOf(name);
  return (localMs, abbreviation) => resolved(localMs, { name, offsetAt, abbreviationsAt }, abbreviation);
}

interface NamedZone {
  name: string;
  offsetAt(timeMs: number): number;
  abbreviationsAt(timeMs: number): readonly string[];
}

function resolved(localMs: number, zone: NamedZone, abbreviation: string | undefined): LocalTime {
  const { name, offsetAt, abbreviationsAt } = zone;
  // The offsets around the time: any that it can have is one of them.
  const around = [offsetAt(localMs - MAX_OFFSET_MS), offsetAt(localMs + MAX_OFFSET_MS)];
  const times = around.map((offset) => localMs - offset).filter((time) => localMs - time === offsetAt(time));
  const earliest = Math.min(...times);
  if (times.some((time) => time !== earliest)) {
    const [named, ...others] = times.filter(
      (time) => abbreviation !== undefined && abbreviationsAt(time).includes(abbreviation),
    );
    if (named !== undefined && others.length === 0) return { timeMs: named };
    return {
      timeMs: earliest,
      note: `the local time occurs twice in ${name}, as the clocks are set back: its first occurrence is taken`,
    };
  }
  if (times.length > 0) return { timeMs: earliest };
  return {
    timeMs: localMs - (around[0] ?? 0),
    note: `the local time does not occur in ${name}, as the clocks are set forward: the offset before that is taken`,
  };
}

/** Each of these locales has the abbreviations of the zones of its own region alone (Unicode CLDR, "timeZoneNames"). */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-CA', 'en-IE'];

/** Makes the abbreviations of a zone at a time, such as `CEST` and `GMT+2`. */
function abbreviationsOf(timeZone: string): (timeMs: number) => string[] {
  let formats: Intl.DateTimeFormat[] | undefined;
  return (timeMs) => {
    // Made when an hour occurs twice: few logs need them, and they take a millisecond.
    formats ??= LOCALES.map((locale) => new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }));
    const parts = formats.flatMap((format) => format.formatToParts(timeMs));
    return parts.filter(({ type }) => type === 'timeZoneName').map(({ value }) => value);
  };
}
