import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

/** What a request over HTTP brings to the plugins of Yoga beside what GraphQL has. */
export interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

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
