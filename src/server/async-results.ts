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
 * The same results, for one reader, until `open`'s callback is called: then reading throws its error, once, also while
 * it waits for a result that may never come. `open` returns what to call when the results ended otherwise.
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
    // Not awaited: a reading of the log may be under way.
    void iterator.return?.()?.catch(() => undefined);
  }

  // Not by Promise.race, which would keep a reaction for every result as long as the subscription lives.
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
