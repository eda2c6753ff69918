import type { Pool } from '../db/pool.ts';
import { asLong } from '../db/queries.ts';
import { countNextEvents, MAX_COUNTED_EVENTS } from './summary/rollups.ts';

const PAUSE_MS = 250;

/**
 * The work that follows appends a moment later: it counts events into the rollups of summaries, merges the pending entries of
 * search indexes, and analyzes the newest segment.
 */
export interface LogMaintenance {
  /** Tells that the log may have grown. */
  wake(): void;
  /** Resolves when the current step is done. */
  close(): Promise<void>;
}

/**
 * Creates the maintenance of an instance. Readers do not depend on it: summaries count the events that the rollups lack, and
 * searches read pending index entries. It pauses between runs, since counting one event costs as much as a thousand.
 */
export function createLogMaintenance(pool: Pool, onError: (error: Error) => void): LogMaintenance {
  let running: Promise<void> | undefined;
  let pause: NodeJS.Timeout | undefined;
  let isDue = false;
  let isClosed = false;

  async function run(): Promise<void> {
    isDue = false;
    try {
      let counted = 0;
      // A step that is not full has caught up. Later events wait for the next run.
      for (let step = MAX_COUNTED_EVENTS; step === MAX_COUNTED_EVENTS && !isClosed; counted += step) {
        step = await countNextEvents(pool);
      }
      if (counted > 0 && !isClosed) await maintainSegments(pool);
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

/**
 * Merges the pending entries of the search indexes of the two newest segments; older segments have none. Then updates the
 * planner statistics of the newest.
 */
async function maintainSegments(pool: Pool): Promise<void> {
  await pool.query(
    asLong('SELECT merge_search((size >> segment_bits) - 1, size >> segment_bits) FROM log_head'),
  );
  await pool.query(asLong('SELECT analyze_segment(size >> segment_bits) FROM log_head'));
}
