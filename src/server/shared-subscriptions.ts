import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
} from 'graphql';
import type { Subscription } from '../feed/feed.ts';
import type { Context } from '../graphql/context.ts';
import { Member } from '../graphql/live/member.ts';
import { type Execution, SharedOperation } from '../graphql/live/operation.ts';
import { mapResults } from '../graphql/map-results.ts';

/** As graphql-js subscribes. */
export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;

/**
 * Makes the subscribing of an instance: where the transport gives a sender, subscriptions that ask for the same with the
 * same rights are executed once for each event, and what they return yields nothing until they end. Whether each may
 * subscribe is decided for each.
 */
export function createSharedSubscribe(): Subscribe {
  const operations = new Map<DocumentNode, Map<string, SharedOperation>>();

  function operationOf(
    args: ExecutionArgs,
    subscription: Subscription,
    execution: Execution,
  ): SharedOperation {
    const { document } = args;
    const alike = operations.get(document) ?? new Map<string, SharedOperation>();
    operations.set(document, alike);
    const key = keyOf(args);
    const known = alike.get(key);
    if (known) return known;
    const operation = new SharedOperation(subscription, execution, () => {
      if (alike.get(key) === operation) alike.delete(key);
      if (alike.size === 0 && operations.get(document) === alike) operations.delete(document);
    });
    alike.set(key, operation);
    return operation;
  }

  return async (args) => {
    const { sender } = args.contextValue as Context;
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const resultOf = executionOf(args);
    if (!sender) return mapResults(source, resultOf);
    const subscription = source as Subscription;
    const execution = { execute: resultOf, encode: (result: ExecutionResult) => sender.encode(result) };
    return new Member(subscription, () => operationOf(args, subscription, execution), sender);
  };
}

// Field by field: to spread an object and add to it takes V8 some microseconds for each event.
function executionOf({
  schema,
  document,
  operationName,
  contextValue,
  variableValues,
}: ExecutionArgs): (rootValue: unknown) => ExecutionResult | Promise<ExecutionResult> {
  return (rootValue) =>
    execute({ schema, document, operationName, contextValue, variableValues, rootValue }) as
      | ExecutionResult
      | Promise<ExecutionResult>;
}

// The key with which a client came stands for its rights: they are those of the key.
function keyOf({ operationName, variableValues, contextValue }: ExecutionArgs): string {
  const { keyId, customerId, scopes } = (contextValue as Context).viewer;
  return JSON.stringify([keyId, customerId ?? null, scopes, operationName ?? null, variableValues ?? null]);
}
