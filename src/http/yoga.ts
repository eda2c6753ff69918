import type { IncomingMessage } from 'node:http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Authenticate } from '../access/authenticate.ts';
import type { Viewer } from '../access/viewer.ts';
import { AuditError } from '../errors.ts';
import type { Context, Services } from '../graphql/context.ts';
import { showError } from '../graphql/errors.ts';
import { DocumentCache } from '../graphql/limits/document-cache.ts';
import { useLimits } from '../graphql/limits/plugin.ts';
import { addressOf } from './address.ts';
import { readParams } from './body.ts';
import { endable } from './endable.ts';
import type { EventStreams } from './event-streams.ts';

const CACHED = { characters: 1_000_000, each: 20_000 };

export const GRAPHQL_PATH = '/graphql';
/** What a client reads where its key has ended before its connection did. */
export const KEY_ENDED = 'the API key was revoked or has expired';

/** What a transport knows of a request: over HTTP the request itself, over WebSocket who asks. */
interface ServerContext {
  req?: IncomingMessage;
  viewer?: Viewer;
  address?: string | undefined;
}

/** What the GraphQL server stands on. */
export interface YogaOptions {
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
  eventStreams: EventStreams;
  log: Logger;
  maxBodyBytes: number;
  /** The highest price of an operation, in points. */
  maxQueryCost: number;
}

/** The GraphQL server: queries, mutations and server-sent events over HTTP, and the pipeline for WebSocket. */
export function createGraphqlServer(options: YogaOptions) {
  const { schema, services, log } = options;
  const viewers = new WeakMap<Request, Viewer>();
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    // `readParams` has the bound, with a code of ours.
    maxRequestBodySize: false,
    cors: false,
    logging: false,
    maskedErrors: { maskError: (error) => showError(error, log) },
    parserAndValidationCache: {
      documentCache: new DocumentCache(CACHED),
      errorCache: new DocumentCache(CACHED),
    },
    plugins: [
      useLimits({ maxCost: options.maxQueryCost }),
      useChecks(options, viewers),
      useSessions(options),
      options.eventStreams.plugin,
    ],
    context: ({ request, req, viewer, address = req && addressOf(req) }) => {
      const who = viewer ?? viewers.get(request);
      if (!who) throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
      return { viewer: who, address, services };
    },
  });
}

// Before anything of the document is looked at: who asks, and a body within its bounds.
function useChecks(
  { authenticate, maxBodyBytes, log }: YogaOptions,
  viewers: WeakMap<Request, Viewer>,
): Plugin {
  return {
    onRequestParse: ({ setRequestParser }) => {
      setRequestParser(async (request) => {
        viewers.set(request, await authenticate(request.headers.get('authorization')));
        const type = request.headers.get('content-type') ?? '';
        if (request.method !== 'POST') throw notServed({ status: 405, headers: { allow: 'POST' } });
        if (!type.startsWith('application/json')) throw notServed({ status: 415 });
        return readParams(request, maxBodyBytes);
      });
    },
    // What graphql-js refuses by itself, while parsing and validating, passes the masking untouched.
    onResultProcess: ({ result, setResult }) => {
      if (isAsyncIterable(result) || Array.isArray(result) || !result.errors) return;
      setResult({ ...result, errors: result.errors.map((error) => showError(error, log)) });
    },
  };
}

// A subscription ends with its key, over whatever transport.
function useSessions({ services: { sessions }, log }: YogaOptions): Plugin<Context> {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult: ({ result, setResult }) => {
        if (!isAsyncIterable(result)) return;
        const { keyId } = (args.contextValue as Context).viewer;
        const ended = () => new AuditError('UNAUTHENTICATED', KEY_ENDED);
        setResult(endable(result, (end) => sessions.open(keyId, () => end(showError(ended(), log)))));
      },
    }),
  };
}

function notServed(http: object): GraphQLError {
  return new GraphQLError('send a POST with content-type application/json', {
    extensions: { code: 'BAD_USER_INPUT', http },
  });
}

export type GraphqlServer = ReturnType<typeof createGraphqlServer>;
