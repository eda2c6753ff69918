/** Whether something is an iterable of results, such as the stream of a subscription. */
export function isIterable<T>(value: unknown): value is AsyncIterable<T> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

const OVER = { done: true, value: undefined } as const;

/** Maps the results of a subscription one by one, when they are asked for. Ending the mapped results ends the source. */
export function mapResults<Source, Result>(
  source: AsyncIterable<Source>,
  map: (result: Source) => Result | Promise<Result>,
): AsyncIterableIterator<Result> {
  const iterator = source[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await iterator.next();
      return done ? OVER : { done: false, value: await map(value) };
    },
    async return() {
      await iterator.return?.();
      return OVER;
    },
  };
}

/**
 * Makes results endable from outside, for one reader. `open` gets a function that ends them: the next read, or the read that
 * is waiting, throws the given error once. `open` returns the function to call when the results have ended otherwise.
 */
export function endable<Result>(
  source: AsyncIterable<Result>,
  open: (end: (error: Error) => void) => () => void,
): AsyncIterableIterator<Result> {
  return new EndableResults(source, open);
}

class EndableResults<Result> implements AsyncIterableIterator<Result> {
  readonly #source: AsyncIterator<Result>;
  readonly #release: () => void;
  #isOver = false;
  /** The error for the next read. */
  #error: Error | undefined;
  /** Ends the read that is waiting. */
  #endRead: (() => void) | undefined;

  constructor(source: AsyncIterable<Result>, open: (end: (error: Error) => void) => () => void) {
    this.#source = source[Symbol.asyncIterator]();
    this.#release = open((error) => {
      this.#error = error;
      this.#stop();
      this.#endRead?.();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Result>> {
    const result = this.#isOver ? OVER : await this.#read();
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return this.#isOver ? OVER : result;
  }

  async return(): Promise<IteratorResult<Result>> {
    this.#stop();
    return OVER;
  }

  async throw(error: unknown): Promise<IteratorResult<Result>> {
    this.#stop();
    throw error;
  }

  // Not by Promise.race, which would keep a reaction of every result in memory until the subscription ends.
  async #read(): Promise<IteratorResult<Result>> {
    try {
      const result = await new Promise<IteratorResult<Result>>((resolve, reject) => {
        this.#endRead = () => resolve(OVER);
        this.#source.next().then(resolve, reject);
      });
      if (result.done && !this.#isOver) this.#stop();
      return result;
    } catch (error) {
      this.#stop();
      throw error;
    }
  }

  #stop(): void {
    this.#isOver = true;
    this.#release();
    // Not awaited: a read of the log may be running.
    void this.#source.return?.()?.catch(() => undefined);
  }
}
