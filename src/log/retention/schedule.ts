import { isRefusal, type Purges } from './purge.ts';

const FIRST_MS = 1_000;
const EVERY_MS = 3_600_000;
const RETRY_MS = 60_000;

/** The retention of an instance. */
export interface Retention {
  /** Starts no more purges; resolves when the current one has ended. */
  close(): Promise<void>;
}

export interface RetentionOptions {
  purges: Pick<Purges, 'purge'>;
  /** How many days events are kept after they were recorded. */
  days: number;
  /** Signs a checkpoint of all events: only events that a checkpoint covers may be removed. */
  sign: () => Promise<void>;
  /** Called when a purge was refused for a reason that only an operator can change. */
  onRefusal: (error: Error) => void;
  onError: (error: Error) => void;
}

/** Purges soon after the start and then hourly, unless another instance is purging; after an error, a minute later. */
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

  // Jittered, so that instances that start together do not stay synchronised.
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
