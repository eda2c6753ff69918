/**
 * Lets a number of pieces of work run at a time; the others wait in the order in which they came. A piece has its turn
 * until it is done, or for `mostMs` at most if that is given: then what takes long does not hold up what is quick.
 */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  readonly #maxHoldMs: number | undefined;
  #free: number;

  constructor(free: number, mostMs?: number) {
    this.#free = free;
    this.#maxHoldMs = mostMs;
  }

  /** Does the work when its turn comes, and answers as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isOver = false;
    const end = () => {
      if (!isOver) this.#next();
      isOver = true;
    };
    const timer = this.#maxHoldMs === undefined ? undefined : setTimeout(end, this.#maxHoldMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
