import type { Pool } from './pool.ts';

const EVERY_MS = 30_000;

/** The time by a database's clock, in milliseconds since 1970. */
export type ReadTime = () => Promise<number>;

/**
 * The time by the database's clock, without a question each time: it goes on with this process, whatever the clock of this
 * machine is set to. What expires is measured by it.
 */
export interface DatabaseClock {
  /** Milliseconds since 1970. */
  now: () => number;
  close(): void;
}

/** Asks the database for the time. */
export function timeOf(pool: Pool): ReadTime {
  return async () => {
    const { rows } = await pool.query<{ now: number }>('SELECT clock_timestamp() AS now');
    return rows[0]?.now ?? Number.NaN;
  };
}

const clocks = new WeakMap<Pool, DatabaseClock>();

/**
 * Starts the clock of a pool and asks for the time every half minute; while the database does not answer it goes on. Throws
 * when it does not answer at first.
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

/** The time on the clock of a pool; on that of this machine where none was started, as for a command. */
export function timeOn(pool: Pool): number {
  return clocks.get(pool)?.now() ?? Date.now();
}

/**
 * By how much the database's time is more than that of this process, which begins at 0 and never goes back; less by what the
 * answer took on its way, so that nothing ends before its time.
 */
async function readOffset(readTime: ReadTime): Promise<number> {
  const time = await readTime();
  return time - performance.now();
}
