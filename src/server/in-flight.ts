import { AuditError } from '../errors.ts';

/** What is being answered at a time, over whatever transport. */
export interface Requests {
  /** One more begins. Throws OVERLOADED when that is too many. */
  enter(request: object): void;
  /** It is answered, or has become a stream, which the subscriptions count. */
  leave(request: object): void;
}

/** Makes the count, `most` at a time. */
export function createRequests(most: number): Requests {
  const open = new Set<object>();
  return {
    enter(request) {
      if (open.size >= most) throw new AuditError('OVERLOADED', 'too many requests at once: retry later');
      open.add(request);
    },
    leave(request) {
      open.delete(request);
    },
  };
}
