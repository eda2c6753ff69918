import { offsetsOf } from '../../events/time-zone.ts';

/** How a local time lies in its zone. */
export interface LocalTime {
  /** Milliseconds since 1970. */
  timeMs: number;
  /** What has to be said about it: its hour occurs twice, or not at all. */
  note?: string;
}

/** The UTC time of a wall clock; `localMs` is what the clock shows, read as if it were UTC. */
export type TimeZone = (localMs: number) => LocalTime;

const HOUR_MS = 3_600_000;
/** No zone is further from UTC, and no change of its clocks is larger. */
const MAX_OFFSET_MS = 24 * HOUR_MS;

/** The zone of a fixed offset such as `+02:00`, or of `Z`. */
export function fixedZone(offset: string): TimeZone {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(offset);
  const minutes = match === null ? 0 : Number(match[2]) * 60 + Number(match[3] ?? '0');
  const offsetMs = (match?.[1] === '-' ? -minutes : minutes) * 60_000;
  return (localMs) => ({ timeMs: localMs - offsetMs });
}

/**
 * The zone of an IANA name such as `Europe/Berlin`, with its daylight saving time, from the time zones that Node has.
 * Where the clocks are set back, an hour occurs twice: its first occurrence is taken. Where they are set forward, an
 * hour does not occur: the offset before the change is taken. Both are noted. Throws a RangeError for a name that is
 * none.
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
  return (localMs) => resolved(localMs, offsetAt, name);
}

function resolved(localMs: number, offsetAt: (timeMs: number) => number, zone: string): LocalTime {
  // The offsets around the time: any that it can have is one of them.
  const around = [offsetAt(localMs - MAX_OFFSET_MS), offsetAt(localMs + MAX_OFFSET_MS)];
  const times = around.map((offset) => localMs - offset).filter((time) => localMs - time === offsetAt(time));
  const earliest = Math.min(...times);
  if (times.some((time) => time !== earliest)) {
    return {
      timeMs: earliest,
      note: `the local time occurs twice in ${zone}, as the clocks are set back: its first occurrence is taken`,
    };
  }
  if (times.length > 0) return { timeMs: earliest };
  return {
    timeMs: localMs - (around[0] ?? 0),
    note: `the local time does not occur in ${zone}, as the clocks are set forward: the offset before that is taken`,
  };
}
