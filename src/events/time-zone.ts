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
