/** A period in milliseconds since 1970, `end` exclusive. A missing bound is infinite. */
export interface Period {
  start: number;
  end: number;
}

/** A period of whole buckets of one level. */
export interface BucketRange extends Period {
  level: Level;
}

/** A period whose events are counted from the log, and added (1) or subtracted (-1). */
export interface EventRange extends Period {
  sign: 1 | -1;
}

/** The ranges that add up to a period. */
export interface RollupRanges {
  buckets: BucketRange[];
  edges: EventRange[];
}

/** The rollups that a period can be split into. */
export interface RangeOptions {
  /** The levels of rollups, coarsest first. */
  levels: readonly Level[];
  /** Whether there are rollups of the days of a month, given the month's start. Undefined: for every month. */
  hasDays: ((month: number) => boolean) | undefined;
  /** The current time, after which there are hardly any events. It affects the cost, not the result. */
  now: number;
}

/**
 * Splits a period into whole buckets, coarse ones in the middle and finer ones towards the ends. The remaining part of a
 * finest bucket is counted from the log: the part inside the period or, when that is shorter, the part outside.
 */
export function splitPeriod(period: Period, options: RangeOptions): RollupRanges {
  const ranges: RollupRanges = { buckets: [], edges: [] };
  addRange(ranges, period, options);
  return ranges;
}

function addRange(ranges: RollupRanges, period: Period, options: RangeOptions): void {
  const [level, ...levels] = options.levels;
  if (!level) {
    addEdge(ranges, period, 1);
    return;
  }
  const finer = { ...options, levels };
  const { hasDays } = options;
  if (level === 'day' && hasDays) addDays(ranges, period, finer, hasDays);
  else addLevel(ranges, period, level, finer);
}

// Splits the period into runs of months with and without rollups of their days.
function addDays(
  ranges: RollupRanges,
  period: Period,
  finer: RangeOptions,
  hasDays: (month: number) => boolean,
): void {
  for (let { start } = period; start < period.end; ) {
    const isDaily = hasDays(floorTo('month', start));
    let end = start;
    while (end < period.end && hasDays(floorTo('month', end)) === isDaily)
      end = Math.min(period.end, ceilTo('month', end + 1));
    if (isDaily) addLevel(ranges, { start, end }, 'day', finer);
    else addRange(ranges, { start, end }, finer);
    start = end;
  }
}

function addLevel(ranges: RollupRanges, period: Period, level: Level, finer: RangeOptions): void {
  const first = ceilTo(level, period.start);
  const last = floorTo(level, period.end);
  if (first > last) {
    addPart(ranges, period, level, finer);
    return;
  }
  addPart(ranges, { start: period.start, end: first }, level, finer);
  if (first < last) ranges.buckets.push({ level, start: first, end: last });
  addPart(ranges, { start: last, end: period.end }, level, finer);
}

// Adds a part of one bucket.
function addPart(ranges: RollupRanges, period: Period, level: Level, finer: RangeOptions): void {
  if (period.start >= period.end) return;
  const bucket = { start: floorTo(level, period.start), end: ceilTo(level, period.end) };
  const before = { start: bucket.start, end: period.start };
  const behind = { start: period.end, end: bucket.end };
  const outside = busyTime(before, finer) + busyTime(behind, finer);
  const isFinest = finer.levels.length === 0;
  if (outside === 0 || (isFinest && outside < busyTime(period, finer))) {
    ranges.buckets.push({ level, ...bucket });
    addEdge(ranges, before, -1);
    addEdge(ranges, behind, -1);
  } else addRange(ranges, period, finer);
}

function busyTime({ start, end }: Period, { now }: RangeOptions): number {
  return Math.max(0, Math.min(end, now) - start);
}

function addEdge(ranges: RollupRanges, { start, end }: Period, sign: 1 | -1): void {
  if (start < end) ranges.edges.push({ sign, start, end });
}

/** The levels of rollups, in UTC. */
export type Level = 'month' | 'day' | 'hour';

const LENGTHS = { hour: 3_600_000, day: 86_400_000 } as const;

/** The start of the bucket of a time, both in milliseconds since 1970. */
export function floorTo(level: Level, time: number): number {
  if (!Number.isFinite(time)) return time;
  if (level !== 'month') return Math.floor(time / LENGTHS[level]) * LENGTHS[level];
  const date = new Date(time);
  return monthStart(date.getUTCFullYear(), date.getUTCMonth());
}

/** The start of the first bucket that starts at the time or later. */
export function ceilTo(level: Level, time: number): number {
  const start = floorTo(level, time);
  if (start === time) return time;
  if (level !== 'month') return start + LENGTHS[level];
  const date = new Date(start);
  return monthStart(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

// Not Date.UTC, which maps the years 0 to 99 to 1900 to 1999.
function monthStart(year: number, month: number): number {
  return new Date(0).setUTCFullYear(year, month, 1);
}
