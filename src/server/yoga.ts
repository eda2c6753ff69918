import { type Plugin, useEngine } from '@envelop/core';
import { usePersistedOperations } from '@graphql-yoga/plugin-persisted-operations';
import { type GraphQLSchema, parse } from 'graphql';
import { createYoga, type Plugin as YogaPlugin, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Authenticate } from '../auth/authenticate.ts';
import { type Context, createProofLoaders, type Services } from '../schema/context.ts';
import { spendOperationCost, spendWork } from '../schema/cost.ts';
import { createExecute } from '../schema/input-problems.ts';
import { isIterable } from './async-results.ts';
import { toClientError } from './client-errors.ts';
import { type DocumentChecks, useDocuments } from './documents.ts';
import { useCodedResponses, useErrorReports, useRequestErrorStatus } from './error-response.ts';
import { renderPage, usePageCaching } from './graphiql/plugin.ts';
import { type OutputBuffer, type RequestLimiter, useOutputBuffer } from './load-limits.ts';
import { useAuthentication, useStrictRequests } from './operation-request.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import { GRAPHQL_PATH, type HttpContext, type PeerOf } from './request.ts';
import { createSharedSubscribe } from './shared-subscriptions.ts';
import { type OpenStreams, useEventStreamHeaders, useSubscriptionRules } from './subscriptions.ts';

/** The options of the API over HTTP, server-sent events and WebSocket. */
export interface YogaOptions {
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
  peerOf: PeerOf;
  documents: PersistedDocuments;
  checks: DocumentChecks;
  requests: RequestLimiter;
  streams: OpenStreams;
  outputBuffer: OutputBuffer;
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
 * Creates the GraphQL server. Envelop's hooks (`onParse` to `onSubscribe`) run on every transport. Yoga's hooks on requests
 * and results run over HTTP only; `websocket-operations.ts` has their counterparts.
 */
export function createGraphqlServer(options: YogaOptions): Yoga {
  const { schema, services, documents, log } = options;
  return createYoga<
    HttpContext & Pick<Context, 'principal' | 'peer' | 'work'>,
    Pick<Context, 'services' | 'proofs'>
  >({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ principal }) => ({
      services,
      proofs: createProofLoaders({ principal, services }),
    }),
    // The gate sets the headers for all paths.
    cors: false,
    graphiql: options.hasGraphiql,
    renderGraphiQL: renderPage,
    landingPage: false,
    batching: false,
    multipart: false,
    // useStrictRequests bounds bodies while it reads them from Node's request. Yoga's limit costs half as much again per request.
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: toClientError },
    // useErrorReports logs errors with the id of their request, which Yoga does not know.
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
      useWorkCost(),
      useSubscriptionRules(options),
      useEventStreamHeaders(),
      useRequestErrorStatus(options),
      useErrorReports(log),
      useCodedResponses(),
      useOutputBuffer(options.outputBuffer),
    ],
  }) as unknown as Yoga;
}

/**
 * Takes the cost of an operation from its key's rate limit before the operation runs. Not a validation rule, since the cost
 * depends on the values of variables and validation is cached by document. Throws QUERY_TOO_COMPLEX above `maxCost` points,
 * and RATE_LIMITED when the key has spent its points. An operation that fails for a variable of the wrong type costs the
 * processor time that it took.
 */
export function useOperationCost(maxCost: number): Plugin {
  return {
    onExecute({ args }) {
      const context = args.contextValue as Context;
      context.work.measure(() => spendOperationCost(args, maxCost));
      const startedAt = performance.now();
      return {
        onExecuteDone({ result }) {
          if (!isIterable(result) && !('data' in result)) context.work.add(performance.now() - startedAt);
          spendWork(context);
        },
      };
    },
    onSubscribe({ args }) {
      const context = args.contextValue as Context;
      context.work.measure(() => spendOperationCost(args, maxCost));
      return { onSubscribeResult: () => spendWork(context) };
    },
  };
}

/** Takes the processor time of a refused request over HTTP from its key's rate limit. */
export function useWorkCost(): YogaPlugin<object, HttpContext & Partial<Context>> {
  return {
    onResultProcess({ serverContext }) {
      const { services, principal, work } = serverContext;
      if (services && principal && work) spendWork({ services, principal, work });
    },
  };
}
