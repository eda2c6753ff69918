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
