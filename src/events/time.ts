const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
/** The largest age of events, in days, that a purge or a setting may name. */
export const MAX_AGE_DAYS = 36_500;

const DAY_MS = 86_400_000;
const MIDNIGHT = '00:00:00.000Z'.length;
const TWO = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const THREE = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));

/**
 * Milliseconds since 1970 of an RFC 3339 date-time; digits below the millisecond are cut.
 * A leap second (23:59:60 UTC on any day) becomes the second after it, since milliseconds since 1970 do not count leap
 * seconds. undefined for anything else: 30 February, hour 24, a missing offset, a year outside 0001 to 9999.
 */
export function parseTime(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number((match[7] ?? '.0').slice(1, 4).padEnd(3, '0'));
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const offset = offsetMinutes(match[8], match[9], match[10]);
  if (offset === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute - offset, second, milliseconds);
  if (second === 60 && (date.getTime() - milliseconds) % DAY_MS !== 0) return undefined;
  return isEventTime(date.getTime()) ? date.getTime() : undefined;
}

// The days of a page or a feed are few, and come again.
const MAX_DAYS = 1_000;
const days = new Map<number, string>();

/** RFC 3339 in UTC with milliseconds, from milliseconds since 1970. Throws a RangeError for a number that is no time. */
export function formatTime(time: number): string {
  const milliseconds = Math.trunc(time);
  const day = Math.floor(milliseconds / DAY_MS);
  const rest = milliseconds - day * DAY_MS;
  const seconds = Math.floor(rest / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${dayText(day)}${TWO[hours]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${THREE[rest % 1_000]}Z`;
}

function dayText(day: number): string {
  const known = days.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * DAY_MS).toISOString().slice(0, -MIDNIGHT);
  if (days.size >= MAX_DAYS) days.clear();
  days.set(day, text);
  return text;
}

/** Whether an event can have this time, in milliseconds since 1970: it is in the years 0001 to 9999. */
export function isEventTime(time: number): boolean {
  const year = new Date(time).getUTCFullYear();
  return year >= 1 && year <= 9999;
}

function offsetMinutes(sign = '+', hours = '00', minutes = '00'): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

const NAME = /^[A-Za-z][\w+/-]{0,63}$/;

/** The milliseconds that the clocks of a zone are ahead of UTC at a time, in milliseconds since 1970. */
export type OffsetAt = (timeMs: number) => number;

/**
 * The offsets of the zone with an IANA name such as `Europe/Berlin`, by the time zone database that Node has. Throws a
 * RangeError for a name that is none.
 */
export function offsetsOf(name: string): OffsetAt {
  // Newer versions of Node take offsets such as +02:00 too.
  if (!NAME.test(name)) throw new RangeError('not the name of a time zone');
  // Such as `2026, GMT+05:30`: many times faster than to put a local time together out of its parts.
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    year: 'numeric',
    timeZoneName: 'longOffset',
  });
  return (timeMs) => {
    const [, sign, hours, minutes, seconds = 0] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(timeMs)) ?? [];
    if (sign === undefined) return 0;
    const offset = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
    return (sign === '-' ? -offset : offset) * 1_000;
  };
}
