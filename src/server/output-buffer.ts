import type { Plugin } from 'graphql-yoga';
import type { HttpContext } from './request-id.ts';

/** Smaller ones are not worth counting. */
const LEAST_BYTES = 16_384;

/** The bytes of answers that clients have asked for and not taken yet, of all connections together. */
export interface Unsent {
  /**
   * So many bytes wait to be sent, and `cut` ends the connection that does not take them. Returns what to call when they
   * are gone.
   */
  hold(bytes: number, cut: () => void): () => void;
}

/**
 * Makes the count, `mostBytes` at a time. Over the limit, the connections with the oldest unread responses are closed.
 * Nothing is refused for it, which may be done already.
 */
export function createUnsent(mostBytes: number): Unsent {
  const waiting = new Set<{ bytes: number; cut: () => void }>();
  let held = 0;

  return {
    hold(bytes, cut) {
      if (bytes < LEAST_BYTES) return () => undefined;
      const own = { bytes, cut };
      const release = (one: typeof own) => {
        if (waiting.delete(one)) held -= one.bytes;
      };
      waiting.add(own);
      held += bytes;
      for (const oldest of waiting) {
        if (held <= mostBytes || oldest === own) break;
        release(oldest);
        oldest.cut();
      }
      return () => release(own);
    },
  };
}

/** Counts the bytes of an answer until the client has taken them; the oldest unread answers are cut above the bound. */
export function useOutputBound(outputBuffer: Unsent): Plugin<object, HttpContext> {
  return {
    onResponse({ response, serverContext: { res } }) {
      const bytes = Number(response.headers.get('content-length') ?? 0);
      res.once(
        'close',
        outputBuffer.hold(bytes, () => res.destroy()),
      );
    },
  };
}
