import { randomUUID } from 'node:crypto';
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLErrorOptions,
  type GraphQLFormattedError,
} from 'graphql';
import type { Logger } from 'pino';
import { AuditError, type ErrorCode } from '../errors.ts';
import { literalPath, variablePath } from './literal-path.ts';

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  PAYLOAD_TOO_LARGE: 413,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

// Messages repeat what the client sent, which may be long.
const MAX_MESSAGE = 1_000;

/** Turns whatever was thrown into what a client may see: a code, a path, and no internals. */
export function showError(error: unknown, log: Logger): GraphQLError {
  const cause = causeOf(error);
  if (cause instanceof AuditError) return shownAuditError(cause, error);
  if (cause instanceof GraphQLError) return withCode(cause);
  const requestId = randomUUID();
  log.error({ err: cause, requestId }, 'request failed');
  return new GraphQLError(
    `something went wrong inside: the operator finds it under request id ${requestId}`,
    {
      ...placeOf(error),
      extensions: { code: 'INTERNAL', requestId },
    },
  );
}

/** A result as it is sent where there is no HTTP status: every error shown, without what is said to HTTP only. */
export function forClient<Result extends { errors?: readonly GraphQLError[] | undefined }>(
  { errors, ...result }: Result,
  log: Logger,
): FormattedExecutionResult {
  return errors ? { ...result, errors: errors.map((error) => withoutStatus(showError(error, log))) } : result;
}

function withoutStatus(error: GraphQLError): GraphQLFormattedError {
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
  const status = HTTP_STATUS[cause.code];
  return new GraphQLError(shortened(cause.message), {
    ...placeOf(error),
    extensions: {
      code: cause.code,
      ...(cause.path === undefined ? {} : { path: cause.path }),
      ...(status === undefined ? {} : { http: { status } }),
    },
  });
}

// What graphql-js itself refuses is bad input: a syntax error, an unknown field, a value of the wrong type.
function withCode(error: GraphQLError): GraphQLError {
  if (typeof error.extensions.code === 'string' && !error.extensions.code.startsWith('GRAPHQL_'))
    return error;
  const path = pathInVariables(error) ?? pathInDocument(error);
  const message = error.originalError?.message ?? error.message;
  return new GraphQLError(shortened(path === undefined ? message : `${path}: ${message}`), {
    ...placeOf(error),
    extensions: {
      ...error.extensions,
      code: 'BAD_USER_INPUT',
      ...(path === undefined ? {} : { path }),
    },
  });
}

// Of `Variable "$events" got invalid value 1 at "events[3].eventType"; ...`, with the argument's name for the variable's.
// The value between is the client's: an expression that could match a piece of it in two ways would take for ever.
function pathInVariables({ message, source }: GraphQLError): string | undefined {
  const [, variable, path = ''] =
    /^Variable "\$(\w+)" .*?(?: at "\w+((?:[.[][^"]*)?)")?; /s.exec(message) ?? [];
  if (variable === undefined) return undefined;
  return `${(source && variablePath(source, variable)) ?? variable}${path}`;
}

function pathInDocument({ source, positions, nodes }: GraphQLError): string | undefined {
  const offset = positions?.[0];
  return source && nodes && offset !== undefined ? literalPath(source, offset) : undefined;
}

function placeOf(error: unknown): GraphQLErrorOptions {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes = null, source = null, positions = null, path = null } = error;
  return { nodes, source, positions, path };
}
