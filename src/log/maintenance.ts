import type { Pool } from '../db/pool.ts';
import { longPrismaOn } from '../db/prisma.ts';
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
  return new PausingMaintenance(pool, onError);
}

class PausingMaintenance implements LogMaintenance {
  readonly #pool: Pool;
  readonly #onError: (error: Error) => void;
  #running: Promise<void> | undefined;
  #pause: NodeJS.Timeout | undefined;
  /** Whether the log may have grown since the last run began. */
  #isDue = false;
  #isClosed = false;

  constructor(pool: Pool, onError: (error: Error) => void) {
    this.#pool = pool;
    this.#onError = onError;
  }

  wake(): void {
    this.#isDue = true;
    if (!this.#isClosed && !this.#running && !this.#pause) this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isDue = false;
    try {
      const counted = await this.#countEvents();
      if (counted > 0 && !this.#isClosed) await maintainSegments(this.#pool);
    } catch (error) {
      this.#onError(error as Error);
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#isDue) this.wake();
    }, PAUSE_MS).unref();
  }

  /** Counts events in steps, until a step is not full. Later events wait for the next run. Returns their number. */
  async #countEvents(): Promise<number> {
    let counted = 0;
    for (let step = MAX_COUNTED_EVENTS; step === MAX_COUNTED_EVENTS && !this.#isClosed; counted += step)
      step = await countNextEvents(this.#pool);
    return counted;
  }
}

/**
 * Merges the pending entries of the search indexes of the two newest segments; older segments have none. Then updates the
 * planner statistics of the newest.
 */
async function maintainSegments(pool: Pool): Promise<void> {
  const prisma = longPrismaOn(pool);
  await prisma.$executeRaw`SELECT merge_search((size >> segment_bits) - 1, size >> segment_bits) FROM log_head`;
  await prisma.$executeRaw`SELECT analyze_segment(size >> segment_bits) FROM log_head`;
}
