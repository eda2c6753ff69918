import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Authenticate } from '../auth/authenticate.ts';
import { RequestWork } from '../auth/request-work.ts';
import { AuditError, badInput } from '../errors.ts';
import type { Context, Services } from '../schema/context.ts';
import { shortened } from './client-errors.ts';
import { parseJsonBody, parseSmallJson } from './json-body.ts';
import type { RequestLimiter } from './load-limits.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import { type HttpContext, memoizeLast, type OperationParams, type PeerOf } from './request.ts';

const PARAMETERS = ['query', 'operationName', 'variables', 'extensions', 'documentId'];

/**
 * Authenticates a request before its body is read, so that the cost of every later refusal has a key. Throws
 * UNAUTHENTICATED, and RATE_LIMITED while the key has spent its points.
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
      const principal = await authenticate(req.headers.authorization, peer);
      checkAccept(req.headers.accept);
      services.rates.check(principal.keyId);
      Object.assign(serverContext, { services, principal, peer, work: new RequestWork() });
    },
  };
}

function checkMethod({ method, headers }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw notServed('send a POST, or a query by GET', { status: 405, headers: { allow: 'GET, POST' } });
  if (method === 'POST' && !isJson(headers))
    throw notServed('send a POST with content-type application/json', { status: 415 });
}

const MEDIA_TYPES = [
  'application/graphql-response+json',
  'application/json',
  'text/event-stream',
  'multipart/mixed',
];

// Yoga compares the accepted types with those it can send only after the execution, so it would answer 406 for a committed
// mutation. Every operation except subscriptions can be answered in each of these types.
function checkAccept(accept: string | undefined): void {
  if (!isServed(accept)) throw notServed('none of the accepted content types can be sent', { status: 406 });
}

const isServed = memoizeLast((accept: string | undefined): boolean =>
  (accept || '*/*')
    .toLowerCase()
    .split(',')
    .some((one) => {
      const [type = '', ...parameters] = one.replaceAll(/\s/g, '').split(';');
      const charset = parameters.find((parameter) => parameter.startsWith('charset='));
      return (charset ?? 'charset=utf-8') === 'charset=utf-8' && MEDIA_TYPES.some(matching(type));
    }),
);

function matching(wanted: string): (type: string) => boolean {
  if (wanted === '*/*') return () => true;
  return wanted.endsWith('/*') ? (type) => type.startsWith(wanted.slice(0, -1)) : (type) => type === wanted;
}

function notServed(message: string, http: object): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http } });
}

/**
 * Reads the operation of a request strictly: UTF-8, limits of size, depth and width, no duplicate keys. Throws
 * PAYLOAD_TOO_LARGE, BAD_USER_INPUT, and OVERLOADED while the bodies of other requests take too much memory.
 */
export function useStrictRequests({
  maxBodyBytes,
  documents,
  requests,
}: {
  maxBodyBytes: number;
  documents: PersistedDocuments;
  requests: RequestLimiter;
}): Plugin<object, HttpContext & Context> {
  return {
    onRequestParse({ serverContext: { req, res, services, principal, work }, setRequestParser }) {
      setRequestParser(async () => {
        const body =
          req.method === 'GET' ? undefined : await readBody({ req, res }, { requests, maxBodyBytes, work });
        // Other requests of the key may have spent its points meanwhile.
        services.rates.check(principal.keyId);
        return (body ? readParams(body, { res, work }) : readSearch(req.url ?? '', work))
          .then((params) => documents.resolve(params) as GraphQLParams)
          .catch(malformed);
      });
    },
  };
}

/**
 * Reads a body. Its bytes count against the limit until the request is answered: large requests are processed in parts, so
 * many bodies can be in memory at a time. Listens to events, since leaving an async iterator early destroys the connection,
 * and with it the response.
 */
function readBody(
  { req, res }: HttpContext,
  {
    requests,
    maxBodyBytes: maxBytes,
    work,
  }: { requests: RequestLimiter; maxBodyBytes: number; work: RequestWork },
): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise<Buffer>((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      if (res.closed || res.destroyed) return;
      bytes += chunk.length;
      work.read(chunk.length);
      try {
        requests.hold(req, chunk.length);
      } catch (error) {
        return reject(error);
      }
      if (bytes > maxBytes) reject(tooLarge(maxBytes));
      else chunks.push(chunk);
    });
    const onClose = () => reject(badInput('body', 'the request was aborted'));
    req.once('close', onClose);
    req.once('end', () => {
      req.off('close', onClose);
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks, bytes));
    });
    if (req.destroyed) onClose();
  }).finally(() => req.removeAllListeners('data').resume());
}

function tooLarge(maxBytes: number): AuditError {
  return new AuditError('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

// The body is no GraphQL request: 400 for every accepted content type.
function malformed(error: unknown): never {
  if (!(error instanceof AuditError) || error.code !== 'BAD_USER_INPUT') throw error;
  const { message, code, path } = error;
  throw new GraphQLError(shortened(message), {
    extensions: { code, path: path && shortened(path), http: { status: 400 } },
  });
}

async function readParams(
  body: Buffer,
  { res, work }: { res: ServerResponse; work: RequestWork },
): Promise<OperationParams> {
  if (!isUtf8(body)) throw badInput('body', 'is not valid UTF-8');
  const parsed = await parseJsonBody(body, (piece) => {
    // The client has closed the connection, or the service stops and has refused the request.
    if (res.destroyed || res.writableEnded)
      throw new AuditError('UNAVAILABLE', 'the request ended before it was read');
    return work.measure(piece);
  });
  return checkParams(parsed);
}

async function readSearch(url: string, work: RequestWork): Promise<OperationParams> {
  return work.measure(() => checkParams(searchParams(url)));
}

function searchParams(url: string): unknown {
  const [, search = ''] = url.split(/\?(.*)/s);
  const given = new Map<string, string>();
  for (const pair of search.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decoded);
    if (!PARAMETERS.includes(name)) continue;
    if (given.has(name)) throw badInput(name, 'must be given once');
    given.set(name, value);
  }
  const json = (name: string) => {
    const text = given.get(name);
    return text === undefined || text === '' ? undefined : parseSmallJson(text, name);
  };
  return {
    query: given.get('query'),
    operationName: given.get('operationName') || undefined,
    documentId: given.get('documentId'),
    variables: json('variables'),
    extensions: json('extensions'),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badInput('query', 'the query string is not valid UTF-8 in percent-encoding');
  }
}

/** Checks the members of a GraphQL request. Ignores unknown members, as the GraphQL over HTTP specification requires. */
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

const JSON_TYPE = /^application\/json(?:\s*;\s*charset=(?:"utf-8"|utf-8))?\s*;?$/i;

/**
 * Whether a request declares its body as JSON in UTF-8 without an encoding. Other types are refused, against CSRF: pages of
 * other origins can make a browser send forms (url-encoded, multipart, text/plain) without a preflight request.
 */
export function isJson(headers: IncomingHttpHeaders): boolean {
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') return false;
  const type = headers['content-type'];
  return type === 'application/json' || JSON_TYPE.test(type?.trim() ?? '');
}
