import type { Plugin } from 'graphql-yoga';
import { AuditError } from '../errors.ts';
import type { HttpContext } from './request.ts';

/** The memory limit of the bodies of all requests together, in bodies of the largest size. */
const LARGEST_BODIES_AT_ONCE = 8;

/** Limits the requests that are being answered, and the memory of their bodies, over all transports. */
export interface RequestLimiter {
  /** Registers a request. Throws OVERLOADED when too many are being answered. */
  enter(request: object): void;
  /**
   * Counts bytes of the request's body that have arrived, until the request leaves. Throws OVERLOADED when the bodies of
   * all requests take too much memory.
   */
  hold(request: object, bytes: number): void;
  /** Removes a request that was answered, or has become an event stream, which is counted as a subscription. */
  leave(request: object): void;
}

/** Creates the limiter, for `maxRequests` at a time with bodies of at most `maxBodyBytes`. */
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

/** Smaller responses are not counted. */
const LEAST_BYTES = 16_384;

/** The bytes of responses that wait to be read by their clients, of all connections together. */
export interface OutputBuffer {
  /**
   * Adds the bytes of a response. `cut` closes its connection. Returns the function that removes the response, to be
   * called when it was sent.
   */
  hold(bytes: number, cut: () => void): () => void;
}

/**
 * Creates the buffer. When it exceeds `mostBytes`, the connections with the oldest unread responses are closed. No request
 * is refused for the limit, since its mutation may be committed already.
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

/** Counts each response in the output buffer until its client has read it. */
export function useOutputBuffer(outputBuffer: OutputBuffer): Plugin<object, HttpContext> {
  return {
    onResponse({ response, serverContext: { res } }) {
      // The client has gone meanwhile: nothing is sent, and `close` was emitted already.
      if (res.destroyed) return;
      const bytes = Number(response.headers.get('content-length') ?? 0);
      res.once(
        'close',
        outputBuffer.hold(bytes, () => res.destroy()),
      );
    },
  };
}
