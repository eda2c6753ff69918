import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import type { Authenticate } from '../access/authenticate.ts';
import type { RateLimit } from '../access/rate/rate-limit.ts';
import { Work } from '../access/rate/work.ts';
import { AuditError, badInput } from '../errors.ts';
import { type Engine, isResults, type Outcome } from '../graphql/engine.ts';
import { insideMessage, showError } from '../graphql/errors.ts';
import type { Documents } from '../graphql/persisted.ts';
import { acceptedBy, type MediaType } from './accepted.ts';
import { answerResult, headersOf, statusOf } from './answer.ts';
import { createBodyReader, parseOperation } from './body.ts';
import { isJson } from './content-type.ts';
import type { EventStreams } from './event-streams.ts';
import type { PeerOf } from './peer.ts';
import { refuse } from './refusal.ts';
import { requestIdOf } from './request-id.ts';
import type { Requests } from './requests.ts';
import type { Unsent } from './unsent.ts';

export const GRAPHQL_PATH = '/graphql';

/** What the route stands on. */
export interface GraphqlRouteOptions {
  engine: Engine;
  authenticate: Authenticate;
  peerOf: PeerOf;
  rates: RateLimit;
  requests: Requests;
  unsent: Unsent;
  documents: Documents;
  eventStreams: EventStreams;
  maxBodyBytes: number;
  log: Logger;
}

/** Answers a request for the API. */
export type GraphqlRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Makes the route of the API over HTTP: queries and mutations as JSON, subscriptions as server-sent events. */
export function createGraphqlRoute(options: GraphqlRouteOptions): GraphqlRoute {
  const { engine, authenticate, peerOf, rates, requests, eventStreams, log } = options;
  const readBody = createBodyReader(options.maxBodyBytes);

  // Before anything of the document is looked at: who asks, and a body within its bounds.
  async function outcomeOf(request: IncomingMessage): Promise<Outcome> {
    const { method, headers } = request;
    if (method !== 'POST') throw notServed({ status: 405, headers: { allow: 'POST' } });
    if (!isJson(headers)) throw notServed({ status: 415 });
    const peer = peerOf(request);
    const viewer = await authenticate(headers.authorization, peer);
    rates.check(viewer.keyId);
    const work = new Work();
    try {
      const body = await readBody(request, work);
      // Other requests of the key may have been paid for since.
      rates.check(viewer.keyId);
      const operation = work.measure(() => parseOperation(body, options.documents));
      return await engine.run(operation, { viewer, peer, work });
    } finally {
      rates.charge(viewer.keyId, work.takeUnpaid());
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { one, isStream } = acceptedBy(request.headers.accept);
    if (!one) return refuse(response, 406, notAcceptable());
    const outcome = await outcomeOf(request).catch((error: unknown) => ({ errors: [error as GraphQLError] }));
    // It was refused meanwhile, since the service stops.
    if (response.headersSent) return isResults(outcome) ? void outcome.return?.() : undefined;
    if (!isResults(outcome)) return answerOne(request, response, shown(outcome, request), one);
    if (isStream) {
      requests.leave(request);
      return eventStreams.answer(request, response, outcome);
    }
    void outcome.return?.();
    refuse(response, 406, notAcceptable());
  }

  function answerOne(
    request: IncomingMessage,
    response: ServerResponse,
    result: ExecutionResult,
    type: MediaType,
  ): void {
    if (type === 'text/event-stream') {
      const head = { status: statusOf(result, type), headers: headersOf(result) };
      eventStreams.answer(request, response, only(result), head);
    } else answerResult(response, result, { type, unsent: options.unsent });
  }

  function shown(result: ExecutionResult, request: IncomingMessage): ExecutionResult {
    if (!result.errors) return result;
    const requestId = requestIdOf(request);
    return { ...result, errors: result.errors.map((error) => showError(error, log, requestId)) };
  }

  return async (request, response) => {
    try {
      await answer(request, response);
    } catch (cause) {
      const requestId = requestIdOf(request);
      log.fatal({ err: cause, requestId }, 'a request could not even be refused');
      if (response.headersSent) response.destroy();
      else refuse(response, 500, new AuditError('INTERNAL', insideMessage(requestId)));
    }
  };
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult, void> {
  yield result;
}

function notServed(http: object): GraphQLError {
  return new GraphQLError('send a POST with content-type application/json', {
    extensions: { code: 'BAD_USER_INPUT', http },
  });
}

function notAcceptable(): AuditError {
  return badInput(
    'accept',
    'must name what can be sent: application/json, and for a subscription text/event-stream',
  );
}
