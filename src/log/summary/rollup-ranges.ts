/** Times in milliseconds since 1970, the end left out; infinite where the period has no bound. */
export interface Period {
  start: number;
  end: number;
}

/** Whole buckets of one level. */
export interface BucketRange extends Period {
  level: Level;
}

/** A time whose events are counted one by one, and added (1) or taken away (-1). */
export interface EventRange extends Period {
  sign: 1 | -1;
}

/** What adds up to a period. */
export interface RollupRanges {
  buckets: BucketRange[];
  edges: EventRange[];
}

/** What a period can be covered with. */
export interface RangeOptions {
  /** The coarsest first. */
  levels: readonly Level[];
  /** Whether there are counts of the days of a month, by its start; undefined: of every month. */
  hasDays: ((month: number) => boolean) | undefined;
  /** Behind it lie hardly any events. It decides what is cheap, not what is right. */
  now: number;
}

/**
 * Covers a period with whole buckets, coarse ones in the middle and finer ones towards the ends. What is left of the
 * finest is counted in the log: the part inside the period or, where that is shorter, the part outside.
 */
export function splitPeriod(period: Period, material: RangeOptions): RollupRanges {
  const cover: RollupRanges = { buckets: [], edges: [] };
  addRange(cover, period, material);
  return cover;
}

function addRange(cover: RollupRanges, period: Period, material: RangeOptions): void {
  const [level, ...levels] = material.levels;
  if (!level) {
    addEdge(cover, period, 1);
    return;
  }
  const finer = { ...material, levels };
  const { hasDays } = material;
  if (level === 'day' && hasDays) addDays(cover, period, finer, hasDays);
  else addLevel(cover, period, level, finer);
}

// By runs of months that have days, or have none.
function addDays(
  cover: RollupRanges,
  period: Period,
  finer: RangeOptions,
  hasDays: (month: number) => boolean,
): void {
  for (let { start } = period; start < period.end; ) {
    const isDaily = hasDays(floorTo('month', start));
    let end = start;
    while (end < period.end && hasDays(floorTo('month', end)) === isDaily)
      end = Math.min(period.end, ceilTo('month', end + 1));
    if (isDaily) addLevel(cover, { start, end }, 'day', finer);
    else addRange(cover, { start, end }, finer);
    start = end;
  }
}

function addLevel(cover: RollupRanges, period: Period, level: Level, finer: RangeOptions): void {
  const first = ceilTo(level, period.start);
  const last = floorTo(level, period.end);
  if (first > last) {
    addPart(cover, period, level, finer);
    return;
  }
  addPart(cover, { start: period.start, end: first }, level, finer);
  if (first < last) cover.buckets.push({ level, start: first, end: last });
  addPart(cover, { start: last, end: period.end }, level, finer);
}

// A part of one bucket.
function addPart(cover: RollupRanges, period: Period, level: Level, finer: RangeOptions): void {
  if (period.start >= period.end) return;
  const bucket = { start: floorTo(level, period.start), end: ceilTo(level, period.end) };
  const before = { start: bucket.start, end: period.start };
  const behind = { start: period.end, end: bucket.end };
  const outside = busyTime(before, finer) + busyTime(behind, finer);
  const isFinest = finer.levels.length === 0;
  if (outside === 0 || (isFinest && outside < busyTime(period, finer))) {
    cover.buckets.push({ level, ...bucket });
    addEdge(cover, before, -1);
    addEdge(cover, behind, -1);
  } else addRange(cover, period, finer);
}

function busyTime({ start, end }: Period, { now }: RangeOptions): number {
  return Math.max(0, Math.min(end, now) - start);
}

function addEdge(cover: RollupRanges, { start, end }: Period, sign: 1 | -1): void {
  if (start < end) cover.edges.push({ sign, start, end });
}

/** The lengths of time that counts are kept for, in UTC. */
export type Level = 'month' | 'day' | 'hour';

const LENGTHS = { hour: 3_600_000, day: 86_400_000 } as const;

/** The start of the bucket that holds a time, both in milliseconds since 1970. */
export function floorTo(level: Level, time: number): number {
  if (!Number.isFinite(time)) return time;
  if (level !== 'month') return Math.floor(time / LENGTHS[level]) * LENGTHS[level];
  const date = new Date(time);
  return monthStart(date.getUTCFullYear(), date.getUTCMonth());
}

/** The start of the first bucket that starts at a time or later. */
export function ceilTo(level: Level, time: number): number {
  const start = floorTo(level, time);
  if (start === time) return time;
  if (level !== 'month') return start + LENGTHS[level];
  const date = new Date(start);
  return monthStart(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

// Date.UTC takes the years before 100 for years of the last century.
function monthStart(year: number, month: number): number {
  return new Date(0).setUTCFullYear(year, month, 1);
}
