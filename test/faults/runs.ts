const DEFAULT_PERCENT = 10;

const percent = Number(process.env.FAULT_RUNS ?? DEFAULT_PERCENT);
if (!(percent > 0)) throw new Error('FAULT_RUNS must be a number above 0: the percentage of the full counts');

/** How often a fault is caused in this run: `FAULT_RUNS` percent of the full count, once at least. */
export function runsOf(full: number): number {
  return Math.max(1, Math.round((full * percent) / 100));
}

/** Whether this one of many like it is part of this run: `FAULT_RUNS` percent of them are. */
export function isInRun(): boolean {
  return Math.random() * 100 < percent;
}
