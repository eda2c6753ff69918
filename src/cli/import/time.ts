const PATTERN =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:[.,]?(\d{1,12}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;

/**
 * The RFC 3339 time (UTC, milliseconds) of what logs write for one: a date text with `T` or a blank, any number of
 * fraction digits (also `00:00:00000000`, a fraction that lost its point), with an offset or else in UTC; or seconds,
 * milliseconds, microseconds or nanoseconds since 1970, told apart by their size. Undefined: no such date.
 */
export function timeOf(value: unknown): string | undefined {
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
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}`;
  const date = new Date(`${local}Z`);
  // Date.parse moves 30 February to March and 24:00 to the next day: neither is what the source wrote.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== `${local}Z`) return undefined;
  return new Date(date.getTime() - offsetMinutes(offset) * 60_000).toISOString();
}

/** Minutes east of UTC of `Z`, `UTC`, `+02`, `+0200` or `+02:00`. */
function offsetMinutes(offset: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(offset);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? '0');
  return match[1] === '-' ? -minutes : minutes;
}
