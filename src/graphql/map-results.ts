import type { ExecutionResult } from 'graphql';

/** What an event of a subscription becomes. */
export type ResultOf = (event: unknown) => ExecutionResult | Promise<ExecutionResult>;

/** The results of a subscription: of each event in turn, when it is asked for. Ending them ends the events. */
export function mapResults(
  events: AsyncIterable<unknown>,
  resultOf: ResultOf,
): AsyncIterableIterator<ExecutionResult> {
  const iterator = events[Symbol.asyncIterator]();
  const over = { done: true, value: undefined } as const;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await iterator.next();
      return done ? over : { done: false, value: await resultOf(value) };
    },
    async return() {
      await iterator.return?.();
      return over;
    },
  };
}
