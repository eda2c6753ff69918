import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Plugin as EnvelopPlugin } from '@envelop/core';
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { AuditError, orUnavailable } from '../errors.ts';
import { isIterable, mapResults } from './async-results.ts';
import { internalErrorMessage, reportError, retryAfterSeconds, withHints } from './client-errors.ts';
import { logOutage } from './operator-log.ts';
import { type HttpContext, requestIdOf } from './request.ts';

/**
 * The headers of every response: it must not be sniffed, framed, cached or executed. The GraphiQL page replaces what it
 * needs.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The body of an error response, in the form of a GraphQL response. */
export function errorBody({ code, message, path, retryAfterMs }: AuditError): string {
  const extensions = {
    code,
    ...(path === undefined ? {} : { path }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return `${JSON.stringify({ errors: [{ message, extensions }] })}\n`;
}

/** The headers of an error response. */
export function errorHeaders({ retryAfterMs }: AuditError): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    ...(retryAfterMs === undefined ? {} : { 'retry-after': retryAfterSeconds(retryAfterMs) }),
  };
}

/** A whole error response as HTTP/1.1 text, for a socket without a `ServerResponse`. It says `connection: close`. */
export function rawErrorResponse(status: number, error: AuditError): string {
  const body = errorBody(error);
  const headers = {
    ...SECURITY_HEADERS,
    ...errorHeaders(error),
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

/** Sends an error response. Does nothing when a response was begun, such as UNAVAILABLE when the service stopped. */
export function sendError(response: ServerResponse, status: number, error: AuditError): void {
  if (response.headersSent) return;
  response.writeHead(status, errorHeaders(error)).end(errorBody(error));
}

/** Answers a request by another method than GET and HEAD. */
export function sendMethodNotAllowed(response: ServerResponse): void {
  response.setHeader('allow', 'GET, HEAD');
  sendError(response, 405, new AuditError('BAD_USER_INPUT', 'this is served by GET and HEAD'));
}

/** Answers with 503 when a retry may succeed, else with 500. The cause is logged with the request's id. */
export function sendFailure(
  response: ServerResponse,
  error: unknown,
  { log, requestId }: { log: Logger; requestId: string },
): void {
  const shown = orUnavailable(error);
  if (shown instanceof AuditError) {
    logOutage(log, shown, requestId);
    sendError(response, 503, shown);
  } else {
    log.error({ err: error, requestId }, 'request failed');
    sendError(response, 500, new AuditError('INTERNAL', internalErrorMessage(requestId)));
  }
}

/**
 * Answers 400 to a request whose execution could not begin, such as one with a variable of the wrong type. Hides
 * suggestions of names when the schema is not shown.
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
  // An error with a path belongs to a field.
  const isOfRequest = (error: GraphQLError) => error.path === undefined && !error.extensions.http;
  return {
    ...result,
    errors: result.errors.map((error) => (isOfRequest(error) ? withHints(error, { status: 400 }) : error)),
  };
}

/** Logs internal errors with the request's id, which the client gets too. */
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

/** Logs the internal errors of a result, and names them by the request's id. */
export function reportResult<Result extends ExecutionResult>(
  result: Result,
  log: Logger,
  requestId?: string,
): Result {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => reportError(error, log, requestId)) };
}

/** Gives a coded body to the error responses that Yoga sends without one (406, 404, ...). */
export function useCodedResponses(): Plugin<object, HttpContext> {
  return {
    onResultProcess({ result, resultProcessor }) {
      // Ends a subscription whose client accepts no content type that can be sent.
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
        new fetchAPI.Response(errorBody(error), {
          status: response.status,
          headers: errorHeaders(error),
        }),
      );
    },
  };
}

const PATHS: Record<number, string> = { 406: 'accept' };
const MESSAGES: Record<number, string> = {
  406: 'must name a content type that can be sent: application/graphql-response+json or application/json, and for a subscription text/event-stream',
};
