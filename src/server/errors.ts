import type { Plugin as EnvelopPlugin } from '@envelop/core';
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import { reportedError, withHints } from '../graphql/errors.ts';
import { isIterable, mapResults } from '../graphql/map-results.ts';
import { refusalBody, refusalHeaders } from './error-response.ts';
import type { HttpContext } from './request-id.ts';
import { requestIdOf } from './request-id.ts';

/**
 * Says that a request that could not be executed at all (a variable of the wrong type) is a bad one: 400. Where the
 * schema is not shown, its names are not suggested here either.
 */
export function useRequestErrorStatus({ hasIntrospection }: { hasIntrospection: boolean }): EnvelopPlugin {
  return {
    onExecute: ({ args }) => {
      (args as ExecutionArgs).hideSuggestions = !hasIntrospection;
      return {
        onExecuteDone: ({ result, setResult }) => {
          if (!isIterable(result) && result.errors) setResult(withRequestStatus(result));
        },
      };
    },
    onSubscribe: ({ args }) => {
      (args as ExecutionArgs).hideSuggestions = !hasIntrospection;
      return {
        onSubscribeResult: ({ result, setResult }) => {
          if (!isIterable(result) && result.errors) setResult(withRequestStatus(result));
        },
      };
    },
  };
}

function withRequestStatus(result: ExecutionResult): ExecutionResult {
  if ('data' in result || !result.errors) return result;
  // An error with a path is that of a field.
  const isOfRequest = (error: GraphQLError) => error.path === undefined && !error.extensions.http;
  return {
    ...result,
    errors: result.errors.map((error) => (isOfRequest(error) ? withHints(error, { status: 400 }) : error)),
  };
}

/** Logs what went wrong inside, with the id of the request that the client is told. */
export function useErrorReports(log: Logger): Plugin<object, HttpContext> {
  return {
    onResultProcess({ result, setResult, serverContext: { req } }) {
      if (Array.isArray(result)) return;
      if (isIterable(result))
        setResult(mapResults(result, (one) => reportResult(one, log, requestIdOf(req))));
      else if (result.errors) setResult(reportResult(result, log, requestIdOf(req)));
    },
  };
}

/** The same result, its internal errors logged and named by the request's id. */
export function reportResult<Result extends ExecutionResult>(
  result: Result,
  log: Logger,
  requestId?: string,
): Result {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => reportedError(error, log, requestId)) };
}

/** Gives the answers that Yoga makes without a body (406, 404, ...) the form of all other errors. */
export function useCodedResponses(): Plugin<object, HttpContext> {
  return {
    onResultProcess({ result, resultProcessor }) {
      // Nobody will read a subscription whose results the client does not accept.
      if (isIterable(result) && !resultProcessor) void result[Symbol.asyncIterator]().return?.();
    },
    onResponse({ response, setResponse, fetchAPI }) {
      if (response.status < 400 || response.body !== null) return;
      const error = new AuditError(
        'BAD_USER_INPUT',
        MESSAGES[response.status] ?? response.statusText,
        PATHS[response.status],
      );
      setResponse(
        new fetchAPI.Response(refusalBody(error), {
          status: response.status,
          headers: refusalHeaders(error),
        }),
      );
    },
  };
}

const PATHS: Record<number, string> = { 406: 'accept' };
const MESSAGES: Record<number, string> = {
  406: 'must name what can be sent: application/graphql-response+json or application/json, and for a subscription text/event-stream',
};
