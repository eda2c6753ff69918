import type { Plugin } from '@envelop/core';
import { charge } from '../graphql/cost.ts';

/**
 * Charges an operation before it runs: with the values of its variables, so not as a validation rule, whose results are
 * cached by document. Throws QUERY_TOO_COMPLEX above `maxCost` points, RATE_LIMITED when the key has spent its points.
 */
export function useOperationCost(maxCost: number): Plugin {
  return {
    onExecute: ({ args }) => charge(args, maxCost),
    onSubscribe: ({ args }) => charge(args, maxCost),
  };
}
