import type { Pool } from './pool.ts';

const EVERY_MS = 30_000;

/** Reads the clock of the database, in milliseconds since 1970. */
export type ReadTime = () => Promise<number>;

/**
 * The clock of the database without a query for each reading: it advances with the monotonic clock of this process and
 * ignores changes of this machine's clock. Expiry times are compared with it.
 */
export interface DatabaseClock {
  /** Milliseconds since 1970. */
  now: () => number;
  close(): void;
}

/** Creates a function that asks the database for the time. */
export function timeOf(pool: Pool): ReadTime {
  return async () => {
    const { rows } = await pool.query<{ now: number }>('SELECT clock_timestamp() AS now');
    return rows[0]?.now ?? Number.NaN;
  };
}

const clocks = new WeakMap<Pool, DatabaseClock>();

/**
 * Starts the clock of a pool and asks the database for the time every 30 seconds. The clock continues while the database
 * does not answer. Throws when the first query fails.
 */
export async function startClock(
  pool: Pool,
  { readTime = timeOf(pool), onError }: { readTime?: ReadTime | undefined; onError: (error: Error) => void },
): Promise<DatabaseClock> {
  let offset = await readOffset(readTime);
  const timer = setInterval(() => {
    readOffset(readTime).then((read) => {
      offset = read;
    }, onError);
  }, EVERY_MS).unref();
  const clock = { now: () => Math.floor(performance.now() + offset), close: () => clearInterval(timer) };
  clocks.set(pool, clock);
  return clock;
}

/** The time on the clock of a pool, or on this machine's clock when none was started, as in commands. */
export function timeOn(pool: Pool): number {
  return clocks.get(pool)?.now() ?? Date.now();
}

/**
 * The difference between the database's clock and the monotonic clock of this process. It is too small by the time that
 * the response took, so that nothing expires early.
 */
async function readOffset(readTime: ReadTime): Promise<number> {
  const time = await readTime();
  return time - performance.now();
}
