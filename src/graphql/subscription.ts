import type { ExecutionResult } from 'graphql';
import type { Weight } from '../access/quota.ts';
import { AuditError } from '../errors.ts';
import type { Context } from './context.ts';
import { endable } from './endable.ts';

/** What a client reads where its key has ended before its connection did. */
export const KEY_ENDED = 'the API key or token was revoked or has expired';

/** The results of a subscription. */
export type Results = AsyncIterableIterator<ExecutionResult>;

/**
 * The same results, counted as a subscription until they are over; they end with the viewer's key, by an error.
 * Throws TOO_MANY_SUBSCRIPTIONS, OVERLOADED.
 */
export function countedResults(
  results: AsyncIterable<ExecutionResult>,
  { viewer, services }: Context,
  weight: Weight,
): Results {
  const release = services.subscriptions.take(viewer.keyId, weight);
  return endable(results, (end) => {
    const close = services.sessions.open(viewer, () => end(new AuditError('UNAUTHENTICATED', KEY_ENDED)));
    return () => {
      release();
      close();
    };
  });
}
