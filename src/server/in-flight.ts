import { AuditError } from '../errors.ts';

/** How many of the largest bodies are in memory at once; what is more is refused. */
const LARGEST_BODIES_AT_ONCE = 8;

/** What is being answered at a time, over whatever transport. */
export interface Requests {
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
export function createRequests({
  maxRequests,
  maxBodyBytes,
}: {
  maxRequests: number;
  maxBodyBytes: number;
}): Requests {
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
