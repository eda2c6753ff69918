import { ceilTo, floorTo, type Level } from './levels.ts';

/** Times in milliseconds since 1970, the end left out; infinite where the period has no bound. */
export interface Period {
  start: number;
  end: number;
}

/** Whole buckets of one level. */
export interface Span extends Period {
  level: Level;
}

/** A time whose events are counted one by one, and added (1) or taken away (-1). */
export interface Edge extends Period {
  sign: 1 | -1;
}

/** What adds up to a period. */
export interface Cover {
  spans: Span[];
  edges: Edge[];
}

/** What a period can be covered with. */
export interface Material {
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
export function coverPeriod(period: Period, material: Material): Cover {
  const cover: Cover = { spans: [], edges: [] };
  add(cover, period, material);
  return cover;
}

function add(cover: Cover, period: Period, material: Material): void {
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
function addDays(cover: Cover, period: Period, finer: Material, hasDays: (month: number) => boolean): void {
  for (let { start } = period; start < period.end; ) {
    const isDaily = hasDays(floorTo('month', start));
    let end = start;
    while (end < period.end && hasDays(floorTo('month', end)) === isDaily)
      end = Math.min(period.end, ceilTo('month', end + 1));
    if (isDaily) addLevel(cover, { start, end }, 'day', finer);
    else add(cover, { start, end }, finer);
    start = end;
  }
}

function addLevel(cover: Cover, period: Period, level: Level, finer: Material): void {
  const first = ceilTo(level, period.start);
  const last = floorTo(level, period.end);
  if (first > last) {
    addPart(cover, period, level, finer);
    return;
  }
  addPart(cover, { start: period.start, end: first }, level, finer);
  if (first < last) cover.spans.push({ level, start: first, end: last });
  addPart(cover, { start: last, end: period.end }, level, finer);
}

// A part of one bucket.
function addPart(cover: Cover, period: Period, level: Level, finer: Material): void {
  if (period.start >= period.end) return;
  const bucket = { start: floorTo(level, period.start), end: ceilTo(level, period.end) };
  const before = { start: bucket.start, end: period.start };
  const behind = { start: period.end, end: bucket.end };
  const outside = busyTime(before, finer) + busyTime(behind, finer);
  const isFinest = finer.levels.length === 0;
  if (outside === 0 || (isFinest && outside < busyTime(period, finer))) {
    cover.spans.push({ level, ...bucket });
    addEdge(cover, before, -1);
    addEdge(cover, behind, -1);
  } else add(cover, period, finer);
}

function busyTime({ start, end }: Period, { now }: Material): number {
  return Math.max(0, Math.min(end, now) - start);
}

function addEdge(cover: Cover, { start, end }: Period, sign: 1 | -1): void {
  if (start < end) cover.edges.push({ sign, start, end });
}
