import type { OffsetAt } from '../../events/time.ts';
import { TIME_BUCKETS, type TimeBucket } from './group-by.ts';

const DAY_MS = TIME_BUCKETS.DAY;
const SECOND_MS = 1_000;

/**
 * The bounds of the buckets of a period in a time zone, in milliseconds since 1970: the start of each bucket, and the end of
 * the last. A day starts when local clocks first show midnight or skip it, so it has 23 or 25 hours when they change. Hours
 * and minutes are counted from the start of their day.
 */
export function localBounds(
  { start, end, bucket }: { start: number; end: number; bucket: TimeBucket },
  offsetAt: OffsetAt,
): number[] {
  const days = localDays({ start, end }, offsetAt);
  if (bucket === 'DAY') return days;
  const length = TIME_BUCKETS[bucket];
  const bounds: number[] = [];
  for (const [index, day] of days.entries()) {
    const next = days[index + 1];
    if (next === undefined) break;
    for (let at = day; at < next; at += length) bounds.push(at);
  }
  bounds.push(days.at(-1) as number);
  const first = bounds.findLastIndex((at) => at <= start);
  const last = bounds.findIndex((at) => at > end);
  return bounds.slice(first, last + 1);
}

/** Whether the bounds are those of UTC buckets. */
export function areOfUtc(bounds: readonly number[], bucket: TimeBucket): boolean {
  const length = TIME_BUCKETS[bucket];
  const [first = 0] = bounds;
  return bounds.every((at, index) => at === first + index * length) && first % length === 0;
}

function localDays({ start, end }: { start: number; end: number }, offsetAt: OffsetAt): number[] {
  // Starts some days earlier: only the first step may start within a day.
  const first = start - 3 * DAY_MS;
  let moment: Moment = { time: first, offset: offsetAt(first) };
  let days: number[] = [];
  while (moment.time <= end) {
    moment = nextMidnight(moment, offsetAt);
    // A day that a zone skipped, as Samoa did in 2011, has no bucket.
    if (moment.time <= start) days = [moment.time];
    else if (moment.time !== days.at(-1)) days.push(moment.time);
  }
  return days;
}

/** A time, and the offset of the zone at that time. */
interface Moment {
  time: number;
  offset: number;
}

// The start of the local day after that of `time`.
function nextMidnight({ time, offset }: Moment, offsetAt: OffsetAt): Moment {
  const midnight = (Math.floor((time + offset) / DAY_MS) + 1) * DAY_MS;
  const expected = midnight - offset;
  const after = offsetAt(expected);
  if (after === offset) return { time: expected, offset };
  const change = changeBetween(time, expected, offsetAt);
  // When clocks are set forward over midnight, the next day starts with the change.
  return { time: Math.max(midnight - after, change), offset: after };
}

// The time of the change of offset, to the second. No zone has ever changed twice within a day.
function changeBetween(from: number, to: number, offsetAt: OffsetAt): number {
  const before = offsetAt(from);
  let [low, high] = [Math.floor(from / SECOND_MS), Math.ceil(to / SECOND_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * SECOND_MS) === before) low = middle;
    else high = middle;
  }
  return high * SECOND_MS;
}
