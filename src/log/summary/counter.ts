import type { Pool } from '../../db/pool.ts';
import { countNext } from './count.ts';

const PAUSE_MS = 250;

/** Counts what was appended, a moment later. */
export interface Counter {
  /** There may be something to count. */
  wake(): void;
  /** Resolves when the step under way is done. */
  close(): Promise<void>;
}

/**
 * Makes the counter of an instance. Of all instances one counts at a time; what none has counted yet, summaries count
 * themselves, so it may come late. It pauses between runs: an event alone costs as much to count as a thousand.
 */
export function createCounter(pool: Pool, onError: (error: Error) => void): Counter {
  let running: Promise<void> | undefined;
  let pause: NodeJS.Timeout | undefined;
  let isDue = false;
  let isClosed = false;

  async function run(): Promise<void> {
    isDue = false;
    try {
      while (!isClosed && (await countNext(pool)) > 0);
    } catch (error) {
      onError(error as Error);
    }
    running = undefined;
    if (isClosed) return;
    pause = setTimeout(() => {
      pause = undefined;
      if (isDue) wake();
    }, PAUSE_MS).unref();
  }

  function wake(): void {
    isDue = true;
    if (!isClosed && !running && !pause) running = run();
  }

  return {
    wake,
    async close() {
      isClosed = true;
      clearTimeout(pause);
      await running;
    },
  };
}
