import type { Pool } from '../db/pool.ts';
import { asLong } from '../db/queries.ts';
import { countNextEvents, MAX_COUNTED_EVENTS } from './summary/rollups.ts';

const PAUSE_MS = 250;

/**
 * What follows the append, a moment later: the counts behind summaries, the order in the search indexes, and what
 * PostgreSQL has to know of the newest segment.
 */
export interface LogMaintenance {
  /** There may be something to do. */
  wake(): void;
  /** Resolves when the step under way is done. */
  close(): Promise<void>;
}

/**
 * Makes the upkeep of an instance. Nobody has to wait for it: what is not counted yet, summaries count themselves, and
 * searches read what is not in order yet. It pauses between runs: one event costs as much as a thousand.
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
      // A step that is not full has caught up: what comes after it waits for the next run.
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
 * Puts into the search indexes what waits for it, in the newest segments; in the others nothing does. Then takes the
 * statistics that searches of the newest one need.
 */
async function maintainSegments(pool: Pool): Promise<void> {
  await pool.query(
    asLong('SELECT merge_search((size >> segment_bits) - 1, size >> segment_bits) FROM log_head'),
  );
  await pool.query(asLong('SELECT analyze_segment(size >> segment_bits) FROM log_head'));
}
