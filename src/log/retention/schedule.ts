import { type PeriodicTask, startPeriodicTask } from '../periodic-task.ts';
import { isRefusal, type Purges } from './purge.ts';

const FIRST_MS = 1_000;
const EVERY_MS = 3_600_000;
const RETRY_MS = 60_000;

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
export function startRetention({ purges, days, sign, onRefusal, onError }: RetentionOptions): PeriodicTask {
  return startPeriodicTask(FIRST_MS, async (stop) => {
    try {
      await sign();
      if (!stop.aborted) await purges.purge({}, { olderThanDays: days, isAsked: false, stop });
      return EVERY_MS;
    } catch (error) {
      const isRefused = isRefusal(error);
      if (!stop.aborted) (isRefused ? onRefusal : onError)(error as Error);
      return isRefused ? EVERY_MS : RETRY_MS;
    }
  });
}
