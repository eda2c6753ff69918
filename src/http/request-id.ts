import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const GIVEN = /^[\w.:-]{1,128}$/;
const ids = new WeakMap<IncomingMessage, string>();

/** The id of a request in its answer and in the operator's log: that of its `x-request-id`, else a random one. */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && GIVEN.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}
