import { randomUUID } from 'node:crypto';
import {
  type ASTNode,
  type DocumentNode,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLErrorOptions,
  type GraphQLFormattedError,
  Kind,
  type Location,
  parse,
  type Source,
} from 'graphql';
import type { Logger } from 'pino';
import { AuditError, ERROR_CODES, type ErrorCode, orUnavailable } from '../errors.ts';
import { logOutage } from './operator-log.ts';

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  PAYLOAD_TOO_LARGE: 413,
  QUERY_TOO_COMPLEX: 400,
  RATE_LIMITED: 429,
  TOO_MANY_SUBSCRIPTIONS: 429,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

// Messages repeat values of the client, which may be long.
const MAX_MESSAGE = 1_000;

/** An internal error. The client gets the code INTERNAL and a request id; the cause is only logged. */
export class InternalError extends GraphQLError {
  readonly internalCause: unknown;

  constructor(cause: unknown, location: GraphQLErrorOptions) {
    super('something went wrong inside', {
      ...location,
      extensions: { code: 'INTERNAL', http: { status: 500 } },
    });
    this.internalCause = cause;
  }
}

/** Turns any thrown value into an error that a client may see: a code, a path, and no internals. */
export function toClientError(error: unknown): GraphQLError {
  if (error instanceof InternalError) return error;
  const cause = orUnavailable(causeOf(error));
  if (cause instanceof AuditError) return shownAuditError(cause, error);
  if (cause instanceof GraphQLError) return withCode(cause);
  return new InternalError(cause, locationOf(error));
}

/**
 * Logs an internal error and returns an error with the request id under which it was logged. Logs the cause of an error for
 * which the database was the reason. Errors of clients are returned as they are and are not logged.
 */
export function reportError(
  error: GraphQLError,
  log: Logger,
  requestId: string = randomUUID(),
): GraphQLError {
  if (error.originalError instanceof AuditError) logOutage(log, error.originalError, requestId);
  if (!(error instanceof InternalError)) return error;
  log.error({ err: error.internalCause, requestId }, 'request failed');
  return new GraphQLError(internalErrorMessage(requestId), {
    ...locationOf(error),
    extensions: { ...error.extensions, requestId },
  });
}

/** `toClientError`, then `reportError`. */
export function showError(error: unknown, log: Logger, requestId?: string): GraphQLError {
  return reportError(toClientError(error), log, requestId);
}

/** How an error changes the HTTP response. */
export interface HttpHints {
  status?: number;
  /** True: the status is for clients that accept application/graphql-response+json only. */
  spec?: boolean;
  headers?: Record<string, string>;
}

/** The same error, with these hints for HTTP. */
export function withHints(error: GraphQLError, http: HttpHints): GraphQLError {
  return new GraphQLError(error.message, {
    ...locationOf(error),
    originalError: error.originalError ?? null,
    extensions: { ...error.extensions, http },
  });
}

/** The message of an internal error, as the client gets it. */
export function internalErrorMessage(requestId: string): string {
  return `something went wrong inside: the operator finds it under request id ${requestId}`;
}

/** A result for a transport without an HTTP status: every error as a client may see it, without hints for HTTP. */
export function resultForClient<Result extends { errors?: readonly GraphQLError[] | undefined }>(
  { errors, ...result }: Result,
  log: Logger,
  requestId?: string,
): FormattedExecutionResult {
  if (!errors) return result;
  return { errors: errors.map((error) => withoutStatus(showError(error, log, requestId))), ...result };
}

/** An error as it is sent, without its hints for HTTP. */
export function withoutStatus(error: GraphQLError): GraphQLFormattedError {
  const { extensions: { http, ...extensions } = {}, ...formatted } = error.toJSON();
  return { ...formatted, extensions };
}

/** The beginning of a text that repeats values of the client. */
export function shortened(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}...` : text;
}

// graphql-js wraps its own errors in others with a location; those wrapped errors are not the cause.
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
    ...locationOf(error),
    // For the log, and only of outages: Yoga masks an error whose original is another error.
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

// An error of graphql-js itself is bad input: a syntax error, an unknown field, a value of the wrong type.
function withCode(error: GraphQLError): GraphQLError {
  if (ERROR_CODES.includes(error.extensions.code as ErrorCode)) return error;
  const path = pathInVariables(error) ?? literalPath(error);
  const message = error.originalError?.message ?? error.message;
  return new GraphQLError(shortened(path === undefined ? message : `${path}: ${message}`), {
    ...locationOf(error),
    extensions: {
      code: 'BAD_USER_INPUT',
      ...(path === undefined ? {} : { path }),
      ...(error.extensions.http === undefined ? {} : { http: error.extensions.http }),
    },
  });
}

// Reads the path of `Variable "$events" got invalid value 1 at "events[3].eventType"; ...`, and replaces the name of the
// variable by that of the argument. The client chooses the value in the text, so the expression must match it in only one way:
// otherwise it could take exponential time.
function pathInVariables(error: GraphQLError): string | undefined {
  const [, variable, path = ''] =
    /^Variable "\$(\w+)" .*?(?: at "\w+((?:[.[][^"]*)?)")?; /s.exec(error.message) ?? [];
  return variable === undefined ? undefined : `${variablePath(error, variable) ?? variable}${path}`;
}

function locationOf(error: unknown): GraphQLErrorOptions {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes = null, source = null, positions = null, path = null } = error;
  return { nodes, source, positions, path };
}

// One parsed document for all errors of the document.
const parsed = new WeakMap<Source, DocumentNode>();
/** The paths of the nodes that errors may name, in documents without locations. */
const kept = new WeakMap<ASTNode, string>();

/** Keeps a parsed document, so that its errors find their arguments without parsing it again. */
export function rememberDocument(document: DocumentNode): void {
  if (document.loc) parsed.set(document.loc.source, document);
}

/**
 * Removes the locations from a document. graphql-js scans the text before each location of each error, and an execution may
 * have thousands of errors. The tree also takes less memory, since locations keep all tokens. `keepsPaths` is for an
 * invalid document: every node is kept with its path, since any may be named by an error.
 */
export function forgetLocations(document: DocumentNode, { keepsPaths = false } = {}): void {
  const uses = new Map<string, string>();
  const definitions: { node: ASTNode; name: string }[] = [];
  const forget = (node: ASTNode, path: string, parent: ASTNode) => {
    (node as { loc?: Location | undefined }).loc = undefined;
    if (keepsPaths && path !== '') kept.set(node, path);
    if (node.kind === Kind.ARGUMENT) kept.set(node.value, path);
    if (node.kind === Kind.VARIABLE_DEFINITION) definitions.push({ node, name: path });
    else if (node.kind === Kind.VARIABLE && parent.kind !== Kind.VARIABLE_DEFINITION) {
      kept.set(node, path);
      if (!uses.has(node.name.value)) uses.set(node.name.value, path);
    }
    childrenOf(node).forEach((child, index) => {
      forget(child, pathOf(child, { node, path, index }), node);
    });
  };
  forget(document, '', document);
  for (const { node, name } of definitions) kept.set(node, uses.get(name) ?? name);
}

/** The argument path, such as `input[17].details.a[3]`, of the literal that an error names; undefined: it names none. */
export function literalPath({ nodes, source, positions }: GraphQLError): string | undefined {
  const [node] = nodes ?? [];
  if (!node) return undefined;
  const offset = positions?.[0];
  return source && offset !== undefined ? pathAt(documentOf(source), offset) : kept.get(node);
}

/** The argument path at which the document of an error uses a variable, such as `input.details`; undefined: it does not. */
export function variablePath({ nodes, source }: GraphQLError, variable: string): string | undefined {
  if (source) return pathOfUse(documentOf(source), variable, '');
  const [definition] = nodes ?? [];
  return definition && kept.get(definition);
}

function documentOf(source: Source): DocumentNode {
  const document = parsed.get(source) ?? parse(source);
  parsed.set(source, document);
  return document;
}

function pathAt(document: DocumentNode, offset: number): string | undefined {
  const covers = ({ loc }: ASTNode) => loc !== undefined && loc.start <= offset && offset < loc.end;
  let node: ASTNode = document;
  let path = '';
  for (;;) {
    const children = childrenOf(node);
    const index = children.findIndex(covers);
    const child = children[index];
    if (!child) return path === '' ? undefined : path;
    path = pathOf(child, { node, path, index });
    node = child;
  }
}

function pathOfUse(node: ASTNode, variable: string, path: string): string | undefined {
  if (node.kind === Kind.VARIABLE_DEFINITION) return undefined;
  if (node.kind === Kind.VARIABLE) return node.name.value === variable ? path : undefined;
  for (const [index, child] of childrenOf(node).entries()) {
    const found = pathOfUse(child, variable, pathOf(child, { node, path, index }));
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Parent {
  node: ASTNode;
  path: string;
  /** The index of the child in it. */
  index: number;
}

function pathOf(child: ASTNode, { node, path, index }: Parent): string {
  if (child.kind === Kind.ARGUMENT) return child.name.value;
  if (child.kind === Kind.VARIABLE_DEFINITION) return child.variable.name.value;
  if (child.kind === Kind.OBJECT_FIELD) return `${path}.${child.name.value}`;
  return node.kind === Kind.LIST ? `${path}[${index}]` : path;
}

function childrenOf(node: ASTNode): ASTNode[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && typeof (value as ASTNode).kind === 'string';
}
