import { isRefusal, type Purges } from './purges.ts';

const FIRST_MS = 1_000;
const EVERY_MS = 3_600_000;
const RETRY_MS = 60_000;

/** The retention of an instance. */
export interface Retention {
  /** Starts no more purges; resolves when the one under way has ended. */
  close(): Promise<void>;
}

export interface RetentionOptions {
  purges: Pick<Purges, 'purge'>;
  /** How long events are kept, counted from when they were recorded. */
  days: number;
  /** Brings what was recorded into a signed checkpoint: nothing else may leave the log. */
  sign: () => Promise<void>;
  /** Nothing was removed, because something is not as it should be that only people can tell. */
  onRefusal: (error: Error) => void;
  onError: (error: Error) => void;
}

/** Purges soon after the start and then hourly, unless another instance is at it; after an error, a minute later. */
export function startRetention({ purges, days, sign, onRefusal, onError }: RetentionOptions): Retention {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout;

  async function run(): Promise<void> {
    try {
      await sign();
      if (stopping.signal.aborted) return;
      await purges.purge({}, { olderThanDays: days, isAsked: false, stop: stopping.signal });
      schedule(EVERY_MS);
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (isRefusal(error)) onRefusal(error as Error);
      else onError(error as Error);
      schedule(isRefusal(error) ? EVERY_MS : RETRY_MS);
    }
  }

  // Jittered, so that instances that were started together do not ask the database together for ever.
  function schedule(delayMs: number): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(
      () => {
        running = run();
      },
      delayMs * (0.5 + Math.random()),
    ).unref();
  }

  schedule(FIRST_MS);
  return {
    async close() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
