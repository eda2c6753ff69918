/** Whether something is an iterable of results, such as the stream of a subscription. */
export function isIterable<T>(value: unknown): value is AsyncIterable<T> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Maps the results of a subscription one by one, when they are asked for. Ending the mapped results ends the source. */
export function mapResults<Source, Result>(
  source: AsyncIterable<Source>,
  map: (result: Source) => Result | Promise<Result>,
): AsyncIterableIterator<Result> {
  const iterator = source[Symbol.asyncIterator]();
  const over = { done: true, value: undefined } as const;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await iterator.next();
      return done ? over : { done: false, value: await map(value) };
    },
    async return() {
      await iterator.return?.();
      return over;
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
  const iterator = source[Symbol.asyncIterator]();
  const over = { done: true, value: undefined } as const;
  let isOver = false;
  let ending: Error | undefined;
  let wake: (() => void) | undefined;

  const release = open((error) => {
    ending = error;
    stop();
    wake?.();
  });

  function stop(): void {
    isOver = true;
    release();
    // Not awaited: a read of the log may be running.
    void iterator.return?.()?.catch(() => undefined);
  }

  // Not by Promise.race, which would keep a reaction of every result in memory until the subscription ends.
  async function read(): Promise<IteratorResult<Result>> {
    try {
      const result = await new Promise<IteratorResult<Result>>((resolve, reject) => {
        wake = () => resolve(over);
        iterator.next().then(resolve, reject);
      });
      if (result.done && !isOver) stop();
      return result;
    } catch (error) {
      stop();
      throw error;
    }
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const result = isOver ? over : await read();
      const error = ending;
      ending = undefined;
      if (error) throw error;
      return isOver ? over : result;
    },
    async return() {
      stop();
      return over;
    },
    async throw(error) {
      stop();
      throw error;
    },
  };
}
