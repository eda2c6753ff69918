import { setTimeout } from 'node:timers/promises';

/** A task of an instance that runs again and again, one run at a time. */
export interface PeriodicTask {
  /** Starts no more runs. Resolves when the current one has ended. */
  close(): Promise<void>;
}

/**
 * Runs `work` after `firstMs`, and again after as many milliseconds as each run resolves with. The waits are between half and
 * one and a half times as long, so that instances that start together do not stay synchronised. `work` must not reject. Its
 * signal is aborted when the task is closed.
 */
export function startPeriodicTask(
  firstMs: number,
  work: (stop: AbortSignal) => Promise<number>,
): PeriodicTask {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function repeat(): Promise<void> {
    for (let waitMs = firstMs; !signal.aborted; waitMs = await work(signal)) {
      const jitteredMs = waitMs * (0.5 + Math.random());
      await setTimeout(jitteredMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  const running = repeat();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}
