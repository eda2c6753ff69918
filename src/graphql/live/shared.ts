import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  subscribe,
} from 'graphql';
import type { AuditEvent } from '../../events/event.ts';
import type { Subscription } from '../../feed/feed.ts';
import type { Context } from '../context.ts';
import { Member } from './member.ts';
import { SharedOperation } from './operation.ts';
import type { Sink } from './sink.ts';

/** As graphql-js subscribes. */
export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;

/**
 * Makes the subscribing of an instance: where the transport gives a sink, subscriptions that ask for the same with the
 * same rights are executed once for each event, and what they return yields nothing until they end. Whether each may
 * subscribe is looked at for each.
 */
export function createSharedSubscribe(): Subscribe {
  const operations = new Map<DocumentNode, Map<string, SharedOperation>>();

  function operationOf(args: ExecutionArgs, subscription: Subscription, sink: Sink): SharedOperation {
    const { document } = args;
    const alike = operations.get(document) ?? new Map<string, SharedOperation>();
    operations.set(document, alike);
    const key = keyOf(args);
    const known = alike.get(key);
    if (known) return known;
    const execution = {
      execute: (event: AuditEvent) => execute({ ...args, rootValue: event }),
      textOf: sink.textOf,
    };
    const operation = new SharedOperation(subscription, execution, () => {
      if (alike.get(key) === operation) alike.delete(key);
      if (alike.size === 0 && operations.get(document) === alike) operations.delete(document);
    });
    alike.set(key, operation);
    return operation;
  }

  return async (args) => {
    const { sink } = args.contextValue as Context;
    if (!sink) return subscribe(args);
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const subscription = source as Subscription;
    return new Member(subscription, () => operationOf(args, subscription, sink), sink);
  };
}

// The key with which a client came stands for its rights: they are those of the key.
function keyOf({ operationName, variableValues, contextValue }: ExecutionArgs): string {
  const { keyId, customerId, scopes } = (contextValue as Context).viewer;
  return JSON.stringify([keyId, customerId ?? null, scopes, operationName ?? null, variableValues ?? null]);
}
