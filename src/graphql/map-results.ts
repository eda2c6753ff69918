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
