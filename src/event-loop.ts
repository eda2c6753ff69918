/** Longest time that one turn of the event loop spends on the events of requests before everything else gets its turn. */
const TURN_MS = 5;

/**
 * Shares the event loop between the requests of all clients. However much there is to do, a turn of the loop takes
 * `TURN_MS` and one piece of work; then the loop answers others, such as `/health/live` and the database.
 */
class EventLoopTurns {
  readonly #waiting: (() => void)[] = [];
  #spentMs = 0;
  #isScheduled = false;

  /** Resolves when this turn has time for work. What waits already goes first. */
  async begin(): Promise<void> {
    if (this.#waiting.length > 0) await this.#next();
    else await this.goOn();
  }

  /** Likewise, for work that has begun: it goes on before what waits while its turn has time. */
  goOn(): Promise<void> | undefined {
    return this.#spentMs < TURN_MS ? undefined : this.#next();
  }

  /** Whether this turn has time for more, and nothing waits for a turn. */
  get isFree(): boolean {
    return this.#waiting.length === 0 && this.#spentMs < TURN_MS;
  }

  /** Resolves in a turn in which nothing was done yet, and takes all of its time. */
  async take(): Promise<void> {
    await this.#next();
    this.#spentMs = TURN_MS;
    this.#schedule();
  }

  /** Does a piece of work and charges this turn for it. */
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

/** Does the work of each item in order, and gives the event loop back whenever the time of its turn is spent. */
export async function inTurns<Item, Result>(
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

/** Does a piece of work that cannot be divided, in a turn that has time for it. */
export async function inOneTurn<Result>(work: () => Result): Promise<Result> {
  await turns.begin();
  return turns.run(work);
}

/** Does a piece of work at once, and charges this turn of the event loop for it. */
export function inThisTurn<Result>(work: () => Result): Result {
  return turns.run(work);
}

/** Whether work may begin at once: this turn has time for it, and nothing else waits. */
export function isTurnFree(): boolean {
  return turns.isFree;
}

/**
 * Does a piece of work that takes long and cannot be divided, in a turn of the event loop that does nothing else of what
 * takes turns: between two such pieces the loop answers others.
 */
export async function inOwnTurn<Result>(work: () => Result): Promise<Result> {
  await turns.take();
  return work();
}
