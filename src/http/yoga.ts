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
import { type LimitOptions, useLimits } from '../graphql/limits/plugin.ts';
import type { Documents } from '../graphql/persisted.ts';
import { createProofLoaders } from '../graphql/proof-loaders.ts';
import type { Peer } from '../pipeline/own.ts';
import { createBodyReader } from './body.ts';
import { isJson } from './content-type.ts';
import { endable } from './endable.ts';
import type { EventStreams } from './event-streams.ts';
import { useLastResort } from './last-resort.ts';
import { useNotAcceptable } from './not-acceptable.ts';
import type { PeerOf } from './peer.ts';
import { requestIdOf } from './request-id.ts';

const CACHED = { characters: 500_000, each: 10_000 };

export const GRAPHQL_PATH = '/graphql';
/** What a client reads where its key has ended before its connection did. */
export const KEY_ENDED = 'the API key or token was revoked or has expired';

/** What a transport knows of a request: over HTTP the request itself, over WebSocket who asks. */
interface ServerContext {
  req?: IncomingMessage;
  viewer?: Viewer;
  peer?: Peer;
}

/** What the GraphQL server stands on. */
export interface YogaOptions {
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
  peerOf: PeerOf;
  eventStreams: EventStreams;
  log: Logger;
  maxBodyBytes: number;
  documents: Documents;
  limits: LimitOptions;
}

/** The GraphQL server: queries, mutations and server-sent events over HTTP, and the pipeline for WebSocket. */
export function createGraphqlServer(options: YogaOptions) {
  const { schema, services } = options;
  const viewers = new WeakMap<Request, Viewer>();
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    // The body reader has the bound, with a code of ours.
    maxRequestBodySize: false,
    cors: false,
    logging: false,
    // Every way out shows errors itself, with the id of its request: `useChecks`, the event streams, the WebSockets.
    maskedErrors: false,
    parserAndValidationCache: {
      documentCache: new DocumentCache(CACHED),
      errorCache: new DocumentCache(CACHED),
    },
    plugins: [
      useLastResort(options.log),
      useLimits(options.limits),
      useChecks(options, viewers),
      useSessions(options),
      options.eventStreams.plugin,
      useNotAcceptable(),
    ],
    context: ({ request, req, viewer, peer = req ? options.peerOf(req) : {} }) => {
      const who = viewer ?? viewers.get(request);
      if (!who) throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
      const proofs = createProofLoaders({ viewer: who, services });
      return { viewer: who, peer, services, proofs };
    },
  });
}

// Before anything of the document is looked at: who asks, and a body within its bounds.
function useChecks(
  { authenticate, peerOf, services, documents, maxBodyBytes, log }: YogaOptions,
  viewers: WeakMap<Request, Viewer>,
): Plugin<object, ServerContext> {
  const readBody = createBodyReader(maxBodyBytes, documents);
  return {
    onRequestParse: ({ request: { method, headers }, serverContext, setRequestParser }) => {
      if (method !== 'POST') throw notServed({ status: 405, headers: { allow: 'POST' } });
      if (!isJson(headers)) throw notServed({ status: 415 });
      setRequestParser(async (request) => {
        const req = serverContext.req as IncomingMessage;
        const viewer = await authenticate(req.headers.authorization, peerOf(req));
        services.rates.check(viewer.keyId);
        viewers.set(request, viewer);
        return readBody(req);
      });
    },
    onResultProcess: ({ result, setResult, serverContext }) => {
      if (isAsyncIterable(result) || Array.isArray(result) || !result.errors) return;
      const { req } = serverContext;
      const show = (error: unknown) => showError(error, log, req && requestIdOf(req));
      setResult({ ...result, errors: result.errors.map(show) });
    },
  };
}

// A subscription counts, and ends with its key, over whatever transport.
function useSessions({ services: { sessions, subscriptions }, log }: YogaOptions): Plugin<Context> {
  const endWith = (viewer: Viewer, end: (error: Error) => void) =>
    sessions.open(viewer, () => end(showError(new AuditError('UNAUTHENTICATED', KEY_ENDED), log)));
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult: ({ result, setResult }) => {
        if (!isAsyncIterable(result)) return;
        const { viewer } = args.contextValue as Context;
        try {
          const release = subscriptions(viewer.keyId);
          const counted = endable(result, (end) => bothOf(release, endWith(viewer, end)));
          setResult(counted);
        } catch (error) {
          void result[Symbol.asyncIterator]().return?.();
          setResult({ errors: [showError(error, log)] });
        }
      },
    }),
  };
}

function bothOf(...releases: (() => void)[]): () => void {
  return () => {
    for (const release of releases) release();
  };
}

function notServed(http: object): GraphQLError {
  return new GraphQLError('send a POST with content-type application/json', {
    extensions: { code: 'BAD_USER_INPUT', http },
  });
}

export type GraphqlServer = ReturnType<typeof createGraphqlServer>;
