import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Authenticate } from '../access/authenticate.ts';
import { Work } from '../access/rate/work.ts';
import { AuditError, badInput } from '../errors.ts';
import type { Context, Services } from '../graphql/context.ts';
import { isJson } from '../http/content-type.ts';
import { checkJsonBounds } from '../http/json-bounds.ts';
import { checkUniqueKeys } from '../http/json-keys.ts';
import type { PeerOf } from '../http/peer.ts';
import { parseJson } from '../parse-json.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import type { HttpContext } from './yoga.ts';

/** How many of the largest bodies are in memory at once; what is more is refused. */
const LARGEST_BODIES_AT_ONCE = 8;
const PARAMETERS = ['query', 'operationName', 'variables', 'extensions', 'documentId'];

/** A GraphQL request as it arrives, by whatever transport; `documentId` is that of the draft on persisted documents. */
export interface OperationParams {
  query?: string | undefined;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  extensions?: Record<string, unknown> | undefined;
  documentId?: unknown;
}

/**
 * Finds out who asks before anything of the request is read, so that whatever is refused afterwards is refused to
 * somebody. Throws UNAUTHENTICATED, and RATE_LIMITED while the key has spent its points.
 */
export function useAuthentication({
  authenticate,
  peerOf,
  services,
}: {
  authenticate: Authenticate;
  peerOf: PeerOf;
  services: Services;
}): Plugin<object, HttpContext & Partial<Context>> {
  return {
    async onRequestParse({ serverContext }) {
      const { req } = serverContext;
      checkMethod(req);
      const peer = peerOf(req);
      const viewer = await authenticate(req.headers.authorization, peer);
      services.rates.check(viewer.keyId);
      Object.assign(serverContext, { services, viewer, peer, work: new Work() });
    },
  };
}

function checkMethod({ method, headers }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw notServed('send a POST, or a query by GET', { status: 405, headers: { allow: 'GET, POST' } });
  if (method === 'POST' && !isJson(headers))
    throw notServed('send a POST with content-type application/json', { status: 415 });
}

function notServed(message: string, http: object): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http } });
}

/**
 * Reads the operation of a request strictly: UTF-8, size, depth, width, keys that are there once. Throws
 * PAYLOAD_TOO_LARGE, BAD_USER_INPUT, and OVERLOADED while too many bytes of other bodies are arriving.
 */
export function useStrictRequests({
  maxBodyBytes,
  documents,
}: {
  maxBodyBytes: number;
  documents: PersistedDocuments;
}): Plugin<object, HttpContext & Context> {
  const budget = { bytes: maxBodyBytes * LARGEST_BODIES_AT_ONCE };
  return {
    onRequestParse({ serverContext: { req, services, viewer, work }, setRequestParser }) {
      setRequestParser(async () => {
        const body = req.method === 'GET' ? undefined : await readBody(req, { budget, maxBodyBytes, work });
        // Other requests of the key may have been charged since.
        services.rates.check(viewer.keyId);
        return work.measure(() => {
          const params = body ? readParams(body) : readSearch(req.url ?? '');
          return documents.resolve(params) as GraphQLParams;
        });
      });
    },
  };
}

/** Bytes that all bodies that are arriving may still take. */
interface ByteBudget {
  bytes: number;
}

// By its events: an iterator that is left early destroys the connection, and the answer with it.
function readBody(
  request: IncomingMessage,
  { budget, maxBodyBytes: maxBytes, work }: { budget: ByteBudget; maxBodyBytes: number; work: Work },
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise<Buffer>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      work.read(chunk.length);
      budget.bytes -= chunk.length;
      if (bytes > maxBytes) reject(tooLarge(maxBytes));
      else if (budget.bytes < 0)
        reject(new AuditError('OVERLOADED', 'too many large requests at once: retry later'));
      else chunks.push(chunk);
    });
    const onClose = () => reject(badInput('body', 'the request was aborted'));
    request.once('close', onClose);
    request.once('end', () => {
      request.off('close', onClose);
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks, bytes));
    });
    if (request.destroyed) onClose();
  }).finally(() => {
    request.removeAllListeners('data').resume();
    budget.bytes += bytes;
  });
}

function tooLarge(maxBytes: number): AuditError {
  return new AuditError('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

function readParams(body: Buffer): OperationParams {
  if (!isUtf8(body)) throw badInput('body', 'is not valid UTF-8');
  return checkParams(readStrictJson(body, 'body'));
}

/** Reads JSON within the bounds of a message. Throws BAD_USER_INPUT with the path of what is wrong. */
export function readStrictJson(json: Buffer, path: string): unknown {
  const members = checkJsonBounds(json);
  const text = json.toString('utf8');
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw notJson(path);
  }
  checkUniqueKeys(text, members, value);
  return value;
}

// Malformed JSON is no GraphQL request at all: 400 whatever the client accepts.
function notJson(path: string): GraphQLError {
  return new GraphQLError(`${path}: is not valid JSON`, {
    extensions: { code: 'BAD_USER_INPUT', path, http: { status: 400 } },
  });
}

function readSearch(url: string): OperationParams {
  const [, search = ''] = url.split(/\?(.*)/s);
  const given = new Map<string, string>();
  for (const pair of search.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decoded);
    if (!PARAMETERS.includes(name)) continue;
    if (given.has(name)) throw badInput(name, 'is given twice');
    given.set(name, value);
  }
  const json = (name: string) => {
    const text = given.get(name);
    return text === undefined || text === '' ? undefined : readStrictJson(Buffer.from(text), name);
  };
  return checkParams({
    query: given.get('query'),
    operationName: given.get('operationName') || undefined,
    documentId: given.get('documentId'),
    variables: json('variables'),
    extensions: json('extensions'),
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badInput('query', 'the address is not valid UTF-8 in percent-encoding');
  }
}

/** Checks the members of a GraphQL request; unknown ones are passed over, as the specification wants. */
export function checkParams(value: unknown): OperationParams {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidParam('body', 'must be a JSON object');
  const { query, operationName, variables, extensions, documentId } = value as Record<string, unknown>;
  if (query != null && typeof query !== 'string') throw invalidParam('query', 'must be a string');
  if (operationName != null && typeof operationName !== 'string')
    throw invalidParam('operationName', 'must be a string');
  return {
    query: query ?? undefined,
    operationName: operationName ?? undefined,
    variables: objectOrNone(variables, 'variables'),
    extensions: objectOrNone(extensions, 'extensions'),
    documentId: documentId ?? undefined,
  };
}

function objectOrNone(value: unknown, path: string): Record<string, unknown> | undefined {
  if (value == null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidParam(path, 'must be an object');
  return value as Record<string, unknown>;
}

function invalidParam(path: string, message: string): GraphQLError {
  return new GraphQLError(`${path}: ${message}`, {
    extensions: { code: 'BAD_USER_INPUT', path, http: { status: 400, spec: true } },
  });
}
