import type { OffsetAt } from '../../events/time.ts';
import { TIME_BUCKETS, type TimeBucket } from './group-by.ts';

const DAY_MS = TIME_BUCKETS.DAY;
const SECOND_MS = 1_000;

/**
 * The bounds of the buckets that a period touches, by the clocks of a zone, in milliseconds since 1970: where each begins,
 * and where the last one ends. A day begins when the clocks show midnight for the first time, or jump over it; so it has 23
 * or 25 hours when they change. Hours and minutes are counted from the beginning of their day.
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

/** Whether these are the bounds of buckets of UTC. */
export function areOfUtc(bounds: readonly number[], bucket: TimeBucket): boolean {
  const length = TIME_BUCKETS[bucket];
  const [first = 0] = bounds;
  return bounds.every((at, index) => at === first + index * length) && first % length === 0;
}

function localDays({ start, end }: { start: number; end: number }, offsetAt: OffsetAt): number[] {
  // Some days earlier: the first step may begin within a day, the others do not.
  const first = start - 3 * DAY_MS;
  let moment: Moment = { time: first, offset: offsetAt(first) };
  let days: number[] = [];
  while (moment.time <= end) {
    moment = nextMidnight(moment, offsetAt);
    // Of a day that a zone skipped, as Samoa did in 2011, nothing is left.
    if (moment.time <= start) days = [moment.time];
    else if (moment.time !== days.at(-1)) days.push(moment.time);
  }
  return days;
}

/** A time and the offset of the zone then. */
interface Moment {
  time: number;
  offset: number;
}

// When the local day after that of `time` begins.
function nextMidnight({ time, offset }: Moment, offsetAt: OffsetAt): Moment {
  const midnight = (Math.floor((time + offset) / DAY_MS) + 1) * DAY_MS;
  const expected = midnight - offset;
  const after = offsetAt(expected);
  if (after === offset) return { time: expected, offset };
  const change = changeBetween(time, expected, offsetAt);
  // Set forward over midnight, the next day begins with the change.
  return { time: Math.max(midnight - after, change), offset: after };
}

// When the offset changes, to the second: once, since it has not changed twice within a day anywhere.
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
