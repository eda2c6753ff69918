import type { ServerResponse } from 'node:http';
import type { Plugin } from '@envelop/core';
import { type ExecutionArgs, type ExecutionResult, getOperationAST } from 'graphql';
import type { Plugin as YogaPlugin } from 'graphql-yoga';
import type { HeldMemory } from '../auth/quota.ts';
import { AuditError, badInput } from '../errors.ts';
import type { Context } from '../schema/context.ts';
import { endable, isIterable } from './async-results.ts';
import type { RequestLimiter } from './load-limits.ts';
import type { HttpContext } from './request.ts';

/** The event streams (server-sent events) that are open. */
export interface OpenStreams {
  /** Adds a response that has become a stream. `onClosed` is called when its connection closes, or has closed before. */
  add(response: ServerResponse, onClosed: () => void): void;
  /**
   * Ends all streams without `complete`: the subscriptions are not over, and clients resume a stream that was cut, but not
   * one that was completed.
   */
  close(): void;
}

/** Creates the registry of open streams. */
export function createOpenStreams(): OpenStreams {
  const open = new Set<ServerResponse>();
  return {
    add(response, onClosed) {
      if (response.closed || response.destroyed) return onClosed();
      open.add(response);
      response.once('close', () => {
        open.delete(response);
        onClosed();
      });
    },
    close() {
      for (const response of open) {
        // Yoga may still write the end of the stream, which fails.
        response.on('error', () => undefined);
        response.end();
      }
    },
  };
}

/** Most bytes of a subscription's variables as JSON. They are kept as long as the subscription lasts. */
const MAX_VARIABLES_BYTES = 65_536;
/** Memory of variables for each byte of their JSON: their values are held in several forms. */
const BYTES_PER_JSON_BYTE = 8;

/**
 * Counts subscriptions, and ends them by an error when their key ends, and over HTTP with the connection. Keeps only the
 * variables that the operation declares. Throws TOO_MANY_SUBSCRIPTIONS, OVERLOADED when the open subscriptions take too much
 * memory, and BAD_USER_INPUT when the variables are too large.
 */
export function useSubscriptionRules({
  requests,
  streams,
}: {
  requests: RequestLimiter;
  streams: OpenStreams;
}): Plugin {
  return {
    onSubscribe({ args }) {
      const variablesBytes = keepDeclaredVariables(args);
      const { checked } = args.contextValue as { checked?: { bytes: number } };
      const weight = {
        document: args.document,
        documentBytes: checked?.bytes ?? 0,
        ownBytes: variablesBytes * BYTES_PER_JSON_BYTE,
      };
      return {
        onSubscribeResult({ args, result, setResult }) {
          if (!isIterable<ExecutionResult>(result)) return;
          const context = args.contextValue as Context & Partial<HttpContext>;
          const counted = countOrEnd(result, context, weight);
          setResult(counted);
          if (!context.res || !context.req) return;
          requests.leave(context.req);
          streams.add(context.res, () => void counted.return?.());
        },
      };
    },
  };
}

// Returns their length as JSON. Changes the arguments in place: the transports and Yoga keep them as long as the subscription
// lasts.
function keepDeclaredVariables(args: ExecutionArgs): number {
  const given = args.variableValues ?? {};
  const declared = getOperationAST(args.document, args.operationName)?.variableDefinitions ?? [];
  const names = declared.map(({ variable }) => variable.name.value);
  const kept = Object.fromEntries(
    names.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]),
  );
  const bytes = Buffer.byteLength(JSON.stringify(kept));
  if (bytes > MAX_VARIABLES_BYTES)
    throw badInput('variables', `of a subscription may take at most ${MAX_VARIABLES_BYTES} bytes as JSON`);
  args.variableValues = kept;
  const { params } = args.contextValue as { params?: { variables?: unknown; extensions?: unknown } };
  if (params) {
    params.variables = kept;
    params.extensions = undefined;
  }
  return bytes;
}

function countOrEnd(results: AsyncIterable<ExecutionResult>, context: Context, weight: HeldMemory): Results {
  try {
    return countedResults(results, context, weight);
  } catch (error) {
    void results[Symbol.asyncIterator]().return?.();
    throw error;
  }
}

/** Sets headers of event streams for proxies and caches that Yoga does not set. */
export function useEventStreamHeaders(): YogaPlugin {
  return {
    onResponse({ response: { headers } }) {
      if (headers.get('content-type') !== 'text/event-stream') return;
      headers.set('content-type', 'text/event-stream; charset=utf-8');
      headers.set('cache-control', 'no-store');
      // Yoga sets "none", which is no content coding of HTTP.
      headers.delete('content-encoding');
      // Node sets it.
      headers.delete('connection');
      // Turns off the buffering of responses in nginx and others.
      headers.set('x-accel-buffering', 'no');
    },
  };
}

/** The message to a client whose key has ended before its connection. */
export const KEY_ENDED = 'the API key or token was revoked or has expired';

/** The results of a subscription. */
export type Results = AsyncIterableIterator<ExecutionResult>;

/**
 * Counts the results as a subscription until they end. When the principal's key ends, they end with an error. Throws
 * TOO_MANY_SUBSCRIPTIONS, OVERLOADED.
 */
export function countedResults(
  results: AsyncIterable<ExecutionResult>,
  { principal, services }: Context,
  weight: HeldMemory,
): Results {
  const release = services.subscriptions.take(principal.keyId, weight);
  return endable(results, (end) => {
    const close = services.sessions.open(principal, () => end(new AuditError('UNAUTHENTICATED', KEY_ENDED)));
    return () => {
      release();
      close();
    };
  });
}
