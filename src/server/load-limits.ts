import type { Plugin } from 'graphql-yoga';
import { AuditError } from '../errors.ts';
import type { HttpContext } from './request.ts';

/** How many of the largest bodies are in memory at once; what is more is refused. */
const LARGEST_BODIES_AT_ONCE = 8;

/** What is being answered at a time, over whatever transport. */
export interface RequestLimiter {
  /** One more begins. Throws OVERLOADED when that is too many. */
  enter(request: object): void;
  /**
   * So many bytes of its body have arrived: they are in memory until it leaves. Throws OVERLOADED when those of all
   * requests are too many.
   */
  hold(request: object, bytes: number): void;
  /** It is answered, or has become a stream, which the subscriptions count. */
  leave(request: object): void;
}

/** Makes the count, of `maxRequests` at a time whose bodies have `maxBodyBytes` at most. */
export function createRequestLimiter({
  maxRequests,
  maxBodyBytes,
}: {
  maxRequests: number;
  maxBodyBytes: number;
}): RequestLimiter {
  const open = new Map<object, number>();
  let left = maxBodyBytes * LARGEST_BODIES_AT_ONCE;
  return {
    enter(request) {
      if (open.size >= maxRequests)
        throw new AuditError('OVERLOADED', 'too many requests at once: retry later');
      open.set(request, 0);
    },
    hold(request, bytes) {
      const before = open.get(request);
      if (before === undefined) return;
      open.set(request, before + bytes);
      left -= bytes;
      if (left < 0) throw new AuditError('OVERLOADED', 'too many large requests at once: retry later');
    },
    leave(request) {
      left += open.get(request) ?? 0;
      open.delete(request);
    },
  };
}

/** Smaller ones are not worth counting. */
const LEAST_BYTES = 16_384;

/** The bytes of answers that clients have asked for and not taken yet, of all connections together. */
export interface OutputBuffer {
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
export function createOutputBuffer(mostBytes: number): OutputBuffer {
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
export function useOutputBuffer(outputBuffer: OutputBuffer): Plugin<object, HttpContext> {
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
