/** Longest time that one turn of the event loop spends on the work of requests before other callbacks run. */
const TURN_MS = 5;

/**
 * Shares the event loop between the requests of all clients. A turn of the loop takes at most `TURN_MS` and one piece of
 * work. Then the loop runs its other callbacks, such as those of `/health/live` and of the database.
 */
class EventLoopTurns {
  readonly #waiting: (() => void)[] = [];
  #spentMs = 0;
  #isScheduled = false;

  /** Resolves when the turn has time for work that begins. Work that waits already runs first. */
  async begin(): Promise<void> {
    if (this.#waiting.length > 0) await this.#next();
    else await this.goOn();
  }

  /** The same for work that has begun: while its turn has time, it continues before waiting work. Undefined: at once. */
  goOn(): Promise<void> | undefined {
    return this.#spentMs < TURN_MS ? undefined : this.#next();
  }

  /** Whether this turn has time for more work, and no work waits for a turn. */
  get isFree(): boolean {
    return this.#waiting.length === 0 && this.#spentMs < TURN_MS;
  }

  /** Resolves at the start of a turn, and uses all of its time. */
  async take(): Promise<void> {
    await this.#next();
    this.#spentMs = TURN_MS;
    this.#schedule();
  }

  /** Runs a piece of work and counts its time for this turn. */
  run<Result>(work: () => Result): Result {
    const started = performance.now();
    try {
      return work();
    } finally {
      this.#spentMs += performance.now() - started;
      this.#schedule();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#spentMs = 0;
      const resolve = this.#waiting.shift();
      if (this.#waiting.length > 0) this.#schedule();
      resolve?.();
    });
  }
}

// The process has one event loop.
const turns = new EventLoopTurns();

/** Maps the items in order. Yields to the event loop whenever the time of the turn is used up. */
export async function mapAcrossTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  await turns.begin();
  for (const [index, item] of items.entries()) {
    const later = turns.goOn();
    if (later) await later;
    results.push(turns.run(() => work(item, index)));
  }
  return results;
}

/** Runs a piece of work that cannot be divided, in a turn that has time for it. */
export async function runWhenTurnHasTime<Result>(work: () => Result): Promise<Result> {
  await turns.begin();
  return turns.run(work);
}

/** Runs a piece of work at once, and counts its time for this turn of the event loop. */
export function runNow<Result>(work: () => Result): Result {
  return turns.run(work);
}

/** Whether work may begin at once: this turn has time for it, and no other work waits. */
export function hasTurnTime(): boolean {
  return turns.isFree;
}

/**
 * Runs a long piece of work that cannot be divided, in a turn of the event loop that does no other work of requests. Between
 * two such pieces the loop runs its other callbacks.
 */
export async function runInExclusiveTurn<Result>(work: () => Result): Promise<Result> {
  await turns.take();
  return work();
}
