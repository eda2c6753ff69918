/**
 * Lets a number of pieces of work run at a time; the others wait in the order in which they came. A piece has its turn
 * until it is done, or for `mostMs` at most if that is given: then what takes long does not hold up what is quick.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #mostMs: number | undefined;
  #free: number;

  constructor(free: number, mostMs?: number) {
    this.#free = free;
    this.#mostMs = mostMs;
  }

  /** Does the work when its turn comes, and answers as it does. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isOver = false;
    const end = () => {
      if (!isOver) this.#next();
      isOver = true;
    };
    const timer = this.#mostMs === undefined ? undefined : setTimeout(end, this.#mostMs);
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
