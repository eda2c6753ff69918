import type { Plugin } from '@envelop/core';
import type { Plugin as YogaPlugin } from 'graphql-yoga';
import type { Context } from '../graphql/context.ts';
import { charge, chargeWork } from '../graphql/cost.ts';
import { isIterable } from '../graphql/map-results.ts';
import type { HttpContext } from './request-id.ts';

/**
 * Charges an operation before it runs: with the values of its variables, so not as a validation rule, whose results are
 * cached by document. Throws QUERY_TOO_COMPLEX above `maxCost` points, RATE_LIMITED when the key has spent its points.
 * What is refused then, since a variable is of the wrong type, is charged by its time.
 */
export function useOperationCost(maxCost: number): Plugin {
  return {
    onExecute({ args }) {
      const context = args.contextValue as Context;
      context.work.measure(() => charge(args, maxCost));
      const startedAt = performance.now();
      return {
        onExecuteDone({ result }) {
          if (!isIterable(result) && !('data' in result)) context.work.add(performance.now() - startedAt);
          chargeWork(context);
        },
      };
    },
    onSubscribe({ args }) {
      const context = args.contextValue as Context;
      context.work.measure(() => charge(args, maxCost));
      return { onSubscribeResult: () => chargeWork(context) };
    },
  };
}

/** Charges a request over HTTP for what was done before it was refused. */
export function useWorkCharges(): YogaPlugin<object, HttpContext & Partial<Context>> {
  return {
    onResultProcess({ serverContext }) {
      const { services, viewer, work } = serverContext;
      if (services && viewer && work) chargeWork({ services, viewer, work });
    },
  };
}
