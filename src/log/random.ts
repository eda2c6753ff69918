import { randomFillSync } from 'node:crypto';

// One call of the system for many values: a call for each would be a third of the work of preparing an event.
const pool = Buffer.alloc(16_384);
let taken = pool.length;

/** Random bytes that nobody else gets (at most 16,384), as a view that is good until the next call. */
export function takeRandom(bytes: number): Buffer {
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const start = taken;
  taken += bytes;
  return pool.subarray(start, taken);
}
