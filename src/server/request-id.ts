import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const GIVEN = /^[\w.:-]{1,128}$/;
const ID = Symbol('request id');

/** The id of a request in its answer and in the operator's log: that of its `x-request-id`, else a random one. */
export function requestIdOf(request: IncomingMessage & { [ID]?: string }): string {
  request[ID] ??= givenIn(request) ?? randomUUID();
  return request[ID];
}

function givenIn({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN.test(given) ? given : undefined;
}
