import { expect } from 'vitest';

/** Whether this is `npm run test:laws`: every law with its full number of runs, and one test file at a time. */
export const IS_FULL = process.env.LAWS === 'full';

/** How often a law is tried with values at random: `full` times in `npm run test:laws`, `few` times in `npm test`. */
export function runsOf(full: number, few: number): number {
  return IS_FULL ? full : few;
}

/**
 * Checks that something has taken less than `maxMs` since `startMs` of `performance.now()`. Only `npm run test:laws` does,
 * where nothing else runs beside it: elsewhere the load of the machine would decide.
 */
export function expectWithin(maxMs: number, startMs: number): void {
  if (IS_FULL) expect(performance.now() - startMs).toBeLessThan(maxMs);
}
