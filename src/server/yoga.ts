import { useEngine } from '@envelop/core';
import { usePersistedOperations } from '@graphql-yoga/plugin-persisted-operations';
import { type GraphQLSchema, parse } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Authenticate } from '../access/authenticate.ts';
import type { Context, Services } from '../graphql/context.ts';
import { toClientError } from '../graphql/errors.ts';
import { createExecute } from '../graphql/problems.ts';
import { createProofLoaders } from '../graphql/proof-loaders.ts';
import type { PeerOf } from './client-address.ts';
import { useOperationCost, useWorkCharges } from './cost.ts';
import { type DocumentChecks, useDocuments } from './documents.ts';
import { useCodedResponses, useErrorReports, useRequestErrorStatus } from './errors.ts';
import { renderPage, usePageCaching } from './graphiql-page.ts';
import type { Requests } from './in-flight.ts';
import { useAuthentication, useStrictRequests } from './operation-request.ts';
import type { CorsOf } from './origins.ts';
import type { Unsent } from './output-buffer.ts';
import { useOutputBound } from './output-buffer.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import { GRAPHQL_PATH, type HttpContext } from './request-id.ts';
import { createSharedSubscribe } from './shared-subscriptions.ts';
import { type OpenStreams, useEventStreamHeaders, useSubscriptionRules } from './subscriptions.ts';

/** What the API over HTTP, server-sent events and WebSocket stands on. */
export interface YogaOptions {
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
  peerOf: PeerOf;
  documents: PersistedDocuments;
  checks: DocumentChecks;
  requests: Requests;
  streams: OpenStreams;
  outputBuffer: Unsent;
  corsOf: CorsOf;
  /** Largest request body, in bytes. */
  maxBodyBytes: number;
  /** Highest cost of an operation, in points. */
  maxCost: number;
  /** Whether the schema is shown to clients. */
  hasIntrospection: boolean;
  hasGraphiql: boolean;
  log: Logger;
}

export type Yoga = YogaServerInstance<HttpContext, Context>;

/**
 * The GraphQL server. Envelop's hooks (`onParse` to `onSubscribe`) run on every transport; hooks on requests and results
 * are those of HTTP alone, and `websocket.ts` has their counterparts.
 */
export function createGraphqlServer(options: YogaOptions): Yoga {
  const { schema, services, documents, log } = options;
  return createYoga<
    HttpContext & Pick<Context, 'viewer' | 'peer' | 'work'>,
    Pick<Context, 'services' | 'proofs'>
  >({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ viewer }) => ({
      services,
      proofs: createProofLoaders({ viewer, services }),
    }),
    cors: options.corsOf,
    graphiql: options.hasGraphiql,
    renderGraphiQL: renderPage,
    landingPage: false,
    batching: false,
    multipart: false,
    // The strict reader bounds bodies while it reads them from Node's request: a stream through Yoga costs half as much again.
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: toClientError },
    // Errors are logged with the id of their request, which Yoga does not know.
    logging: false,
    plugins: [
      useEngine({
        parse,
        execute: createExecute({ hideSuggestions: !options.hasIntrospection }),
        subscribe: createSharedSubscribe(),
      }),
      usePageCaching(),
      useAuthentication(options),
      useStrictRequests(options),
      usePersistedOperations(documents.pluginOptions),
      useDocuments(options.checks),
      useOperationCost(options.maxCost),
      useWorkCharges(),
      useSubscriptionRules(options),
      useEventStreamHeaders(),
      useRequestErrorStatus(options),
      useErrorReports(log),
      useCodedResponses(),
      useOutputBound(options.outputBuffer),
    ],
  }) as unknown as Yoga;
}
