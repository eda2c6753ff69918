import type { IncomingMessage } from 'node:http';
import { AuditError } from '../errors.ts';

// Node keeps the first of each, and another program on the way may have decided by the last.
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin']);

/**
 * The error for a request in which a header that decides something stands twice, even with the same value; undefined:
 * there is none. RFC 9112, 3.2 wants 400 for a second `Host`.
 */
export function repeatedHeader({ rawHeaders }: IncomingMessage): AuditError | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!SINGLE.has(name)) continue;
    if (seen.has(name)) return new AuditError('BAD_USER_INPUT', `the header "${name}" must be sent once`);
    seen.add(name);
  }
  return undefined;
}
