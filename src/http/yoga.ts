import type { GraphQLSchema } from 'graphql';
import { createYoga, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Authenticate } from '../access/authenticate.ts';
import type { Viewer } from '../access/viewer.ts';
import { AuditError } from '../errors.ts';
import type { Context, Services } from '../graphql/context.ts';
import { showError } from '../graphql/errors.ts';
import { readParams } from './body.ts';

export const GRAPHQL_PATH = '/graphql';

/** What the GraphQL server stands on. */
export interface YogaOptions {
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
  log: Logger;
  maxBodyBytes: number;
}

/** The GraphQL server: queries, mutations and server-sent events over HTTP, and the pipeline for WebSocket. */
export function createGraphqlServer(options: YogaOptions) {
  const { schema, services, log } = options;
  const viewers = new WeakMap<Request, Viewer>();
  return createYoga<{ viewer?: Viewer }, Context>({
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
    plugins: [useChecks(options, viewers)],
    context: ({ request, viewer }) => {
      const who = viewer ?? viewers.get(request);
      if (!who) throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
      return { viewer: who, services };
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
        if (request.method !== 'POST' || !type.startsWith('application/json')) {
          throw new AuditError('BAD_USER_INPUT', 'send a POST with content-type application/json');
        }
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

export type GraphqlServer = ReturnType<typeof createGraphqlServer>;
