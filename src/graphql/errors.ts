import { randomUUID } from 'node:crypto';
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLErrorOptions,
  type GraphQLFormattedError,
} from 'graphql';
import type { Logger } from 'pino';
import { AuditError, ERROR_CODES, type ErrorCode, orUnavailable } from '../errors.ts';
import { literalPath, variablePath } from './literal-path.ts';
import { logOutage } from './outage-log.ts';

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  PAYLOAD_TOO_LARGE: 413,
  QUERY_TOO_COMPLEX: 400,
  RATE_LIMITED: 429,
  TOO_MANY_SUBSCRIPTIONS: 429,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

// Messages repeat what the client sent, which may be long.
const MAX_MESSAGE = 1_000;

/** An error from the inside, on its way to a client who is told nothing of it but where it is logged. */
export class InternalError extends GraphQLError {
  readonly inside: unknown;

  constructor(inside: unknown, place: GraphQLErrorOptions) {
    super('something went wrong inside', {
      ...place,
      extensions: { code: 'INTERNAL', http: { status: 500 } },
    });
    this.inside = inside;
  }
}

/** Turns whatever was thrown into what a client may see: a code, a path, and no internals. */
export function toClientError(error: unknown): GraphQLError {
  if (error instanceof InternalError) return error;
  const cause = orUnavailable(causeOf(error));
  if (cause instanceof AuditError) return shownAuditError(cause, error);
  if (cause instanceof GraphQLError) return withCode(cause);
  return new InternalError(cause, placeOf(error));
}

/**
 * Logs an internal error, and tells the client the id under which the operator finds it; logs what the database was the
 * reason for. The errors of clients stay as they are, and are not logged.
 */
export function reportedError(
  error: GraphQLError,
  log: Logger,
  requestId: string = randomUUID(),
): GraphQLError {
  if (error.originalError instanceof AuditError) logOutage(log, error.originalError, requestId);
  if (!(error instanceof InternalError)) return error;
  log.error({ err: error.inside, requestId }, 'request failed');
  return new GraphQLError(insideMessage(requestId), {
    ...placeOf(error),
    extensions: { ...error.extensions, requestId },
  });
}

/** Both at once. */
export function showError(error: unknown, log: Logger, requestId?: string): GraphQLError {
  return reportedError(toClientError(error), log, requestId);
}

/** What an error says to HTTP alone. */
export interface HttpHints {
  status?: number;
  /** True: the status is for clients that take application/graphql-response+json only. */
  spec?: boolean;
  headers?: Record<string, string>;
}

/** The same error, which says this to HTTP too. */
export function withHints(error: GraphQLError, http: HttpHints): GraphQLError {
  return new GraphQLError(error.message, {
    ...placeOf(error),
    originalError: error.originalError ?? null,
    extensions: { ...error.extensions, http },
  });
}

/** All that a client is told of what went wrong inside. */
export function insideMessage(requestId: string): string {
  return `something went wrong inside: the operator finds it under request id ${requestId}`;
}

/** A result as it is sent where there is no HTTP status: every error shown, without what is said to HTTP only. */
export function forClient<Result extends { errors?: readonly GraphQLError[] | undefined }>(
  { errors, ...result }: Result,
  log: Logger,
  requestId?: string,
): FormattedExecutionResult {
  if (!errors) return result;
  return { errors: errors.map((error) => withoutStatus(showError(error, log, requestId))), ...result };
}

/** A shown error as it is sent: without what it says to HTTP alone. */
export function withoutStatus(error: GraphQLError): GraphQLFormattedError {
  const { extensions: { http, ...extensions } = {}, ...formatted } = error.toJSON();
  return { ...formatted, extensions };
}

function shortened(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}...` : text;
}

// graphql-js wraps its own errors in others that say where; they are no causes from the inside.
function causeOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  const original = error.originalError;
  return original === undefined || original === null || original instanceof GraphQLError ? error : original;
}

function shownAuditError(cause: AuditError, error: unknown): GraphQLError {
  const { code, path, retryAfterMs } = cause;
  const status = HTTP_STATUS[code];
  const headers = retryAfterMs === undefined ? {} : { 'retry-after': retryAfterSeconds(retryAfterMs) };
  return new GraphQLError(shortened(cause.message), {
    ...placeOf(error),
    // Kept for the log alone, and only of outages: Yoga takes any other error behind one for an unexpected one.
    originalError: cause.cause === undefined ? null : cause,
    extensions: {
      code,
      ...(path === undefined ? {} : { path: shortened(path) }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(status === undefined ? {} : { http: { status, headers } }),
    },
  });
}

/** The value of `Retry-After`: whole seconds, one at least. */
export function retryAfterSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1_000)));
}

// What graphql-js itself refuses is bad input: a syntax error, an unknown field, a value of the wrong type.
function withCode(error: GraphQLError): GraphQLError {
  if (ERROR_CODES.includes(error.extensions.code as ErrorCode)) return error;
  const path = pathInVariables(error) ?? literalPath(error);
  const message = error.originalError?.message ?? error.message;
  return new GraphQLError(shortened(path === undefined ? message : `${path}: ${message}`), {
    ...placeOf(error),
    extensions: {
      code: 'BAD_USER_INPUT',
      ...(path === undefined ? {} : { path }),
      ...(error.extensions.http === undefined ? {} : { http: error.extensions.http }),
    },
  });
}

// Of `Variable "$events" got invalid value 1 at "events[3].eventType"; ...`, with the argument's name for the variable's.
// The value between is the client's: an expression that could match a piece of it in two ways would take for ever.
function pathInVariables(error: GraphQLError): string | undefined {
  const [, variable, path = ''] =
    /^Variable "\$(\w+)" .*?(?: at "\w+((?:[.[][^"]*)?)")?; /s.exec(error.message) ?? [];
  return variable === undefined ? undefined : `${variablePath(error, variable) ?? variable}${path}`;
}

function placeOf(error: unknown): GraphQLErrorOptions {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes = null, source = null, positions = null, path = null } = error;
  return { nodes, source, positions, path };
}
