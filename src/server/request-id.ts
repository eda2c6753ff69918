import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

/** What a request over HTTP brings to the plugins of Yoga beside what GraphQL has. */
export interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** A GraphQL request as it arrives, by whatever transport; `documentId` is that of the draft on persisted documents. */
export interface OperationParams {
  query?: string | undefined;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  extensions?: Record<string, unknown> | undefined;
  documentId?: unknown;
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
