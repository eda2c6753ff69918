import type { Pool } from '../db/pool.ts';
import { hasOldRows, removeOldRows } from './remove.ts';

const RETRY_MS = 30_000;

/** Removes the rows that purges have announced, in the background. */
export interface Remover {
  /** Removes what can be removed now; what is still in use is tried again until it is gone. */
  run(): Promise<void>;
  /** Resolves when the batch or the statement under way has ended. */
  close(): Promise<void>;
}

/** Makes the remover of an instance, which begins with what an earlier process has left. */
export function createRemover(pool: Pool, onError: (error: Error) => void): Remover {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;

  async function work(): Promise<void> {
    let isDone = false;
    try {
      while (isDue && !stopping.signal.aborted) {
        isDue = false;
        // Another instance may be at it: then this one looks again whether it has come to an end.
        isDone = (await removeOldRows(pool, stopping.signal)) || !(await hasOldRows(pool));
      }
    } catch (error) {
      if (!stopping.signal.aborted) onError(error as Error);
    }
    running = undefined;
    clearTimeout(timer);
    if (!isDone && !stopping.signal.aborted)
      timer = setTimeout(() => void run(), RETRY_MS * (0.5 + Math.random())).unref();
  }

  function run(): Promise<void> {
    if (stopping.signal.aborted) return Promise.resolve();
    isDue = true;
    running ??= work();
    return running;
  }

  void run();
  return {
    run,
    async close() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
