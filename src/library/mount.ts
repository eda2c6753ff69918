import {
  type ClientRequest,
  type IncomingMessage,
  request as requestOver,
  type ServerResponse,
} from 'node:http';
import { type Duplex, duplexPair, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { withDeadline } from '../deadline.ts';
import { AuditError } from '../errors.ts';
import { errorBody, errorHeaders } from '../server/error-response.ts';
import { GRAPHQL_PATH } from '../server/request.ts';
import { type ApiServer, createApiServer } from '../server/server.ts';
import { createApi } from './api.ts';
import type { OpenLog } from './open.ts';

/** The API, mounted in a server of the program. */
export interface Mount {
  handler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  fetch(request: Request): Promise<Response>;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** Ends subscriptions at once, and waits at most five seconds for pending responses. */
  close(): Promise<void>;
}

const FINISH_MS = 5_000;
/** The routes beside GraphQL, by the end of the path. */
const ROUTES =
  /^.*?(\/(?:export\/[^/]+|health\/(?:live|ready)|(?:customers(?:-by-id)?\/[^/]+\/)?(?:checkpoint|verifier-key|purge|tile\/.+)))$/;
/** Headers of one hop (RFC 9110, 7.6.1). `expect` has been answered already. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Mounts the API of a log. Each request is forwarded, over a pair of streams in memory, to the server that the service also
 * uses. So all its rules hold, and the framework's request and response objects are not replaced.
 */
export function createMount(open: OpenLog): Mount {
  return new MountedApi(open);
}

class MountedApi implements Mount {
  readonly #open: OpenLog;
  readonly #underWay = new Set<Promise<unknown>>();
  #server: Promise<ApiServer> | undefined;
  #isClosed = false;

  constructor(open: OpenLog) {
    this.#open = open;
  }

  // Arrow functions, since they are passed on without the object.

  readonly handler: Mount['handler'] = async (request, response) => {
    try {
      await this.#counted(forwardFromNode(await this.#madeServer(), request, response));
    } catch (error) {
      sendError(response, mountError(error, this.#open));
    }
  };

  readonly fetch: Mount['fetch'] = async (request) => {
    try {
      return await this.#counted(forwardFromFetch(await this.#madeServer(), request));
    } catch (error) {
      const shown = mountError(error, this.#open);
      return new Response(errorBody(shown), { status: 503, headers: errorHeaders(shown) });
    }
  };

  readonly handleUpgrade: Mount['handleUpgrade'] = async (request, socket, head) => {
    // Until the server is created, nothing else handles errors of the socket.
    const onError = () => socket.destroy();
    socket.on('error', onError);
    try {
      const { server } = await this.#madeServer();
      socket.off('error', onError);
      server.emit('upgrade', Object.create(request, { url: { value: GRAPHQL_PATH } }), socket, head);
    } catch (error) {
      mountError(error, this.#open);
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    }
  };

  async close(): Promise<void> {
    this.#isClosed = true;
    const made = await this.#server?.catch(() => undefined);
    await made?.close();
    await withDeadline<unknown>(Promise.allSettled(this.#underWay), FINISH_MS, () => undefined);
    made?.server.closeAllConnections();
  }

  async #madeServer(): Promise<ApiServer> {
    if (this.#isClosed) throw new AuditError('UNAVAILABLE', 'the audit log is closed');
    this.#server ??= createMountedServer(this.#open).catch((error: Error) => {
      // The next request tries again: a missing file may exist by then.
      this.#server = undefined;
      this.#open.log.error({ cause: error.message }, 'the API cannot be mounted');
      throw new AuditError('UNAVAILABLE', 'the API cannot be mounted: see the log of the service');
    });
    return this.#server;
  }

  #counted<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    const over = () => void this.#underWay.delete(work);
    work.then(over, over);
    return work;
  }
}

async function forwardFromNode(
  api: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = bodyOf(request);
  const { socket } = request;
  const sent = forward(api, {
    method: request.method ?? 'GET',
    path: apiPath(request.url ?? '/'),
    headers: headersOf(request, body !== request),
    peer: { remoteAddress: socket.remoteAddress, encrypted: 'encrypted' in socket },
  });
  response.once('close', () => response.writableFinished || sent.request.destroy());
  // The client may disconnect within its body, or stop sending a body that is refused.
  void pipeline(body, sent.request).catch((error) => sent.request.destroy(error));
  const incoming = await sent.response;
  response.statusCode = incoming.statusCode ?? 500;
  for (const [name, values] of headerLists(incoming)) response.setHeader(name, values);
  response.flushHeaders();
  await pipeline(incoming, response);
}

async function forwardFromFetch(api: ApiServer, request: Request): Promise<Response> {
  const { pathname, search, host, protocol } = new URL(request.url);
  const headers = [...request.headers].filter(([name]) => !HOP_BY_HOP.has(name)).flat();
  if (!request.headers.has('host')) headers.push('host', host);
  // Before anything is forwarded: the server would wait for a body that does not come until its timeout.
  const body = fetchBodyOf(request);
  const sent = forward(api, {
    method: request.method,
    path: apiPath(pathname) + search,
    headers,
    peer: { encrypted: protocol === 'https:' },
  });
  const end = () => void sent.request.destroy();
  if (request.signal?.aborted) end();
  request.signal?.addEventListener('abort', end, { once: true });
  void pipeline(body, sent.request).catch((error) => sent.request.destroy(error));
  const incoming = await sent.response;
  incoming.once('close', () => request.signal?.removeEventListener('abort', end));
  return responseOf(incoming);
}

async function createMountedServer(open: OpenLog): Promise<ApiServer> {
  // The program's own server decides which host names it answers to, unless ALLOWED_HOSTS is set.
  return createApiServer(await createApi(open, '0.0.0.0'));
}

/** A request on its way to the server. */
interface ForwardedRequest {
  method: string;
  path: string;
  /** Names and values, alternating. */
  headers: string[];
  peer: { remoteAddress?: string | undefined; encrypted: boolean };
}

function forward(
  { server }: ApiServer,
  { method, path, headers, peer }: ForwardedRequest,
): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const [client, served] = duplexPair();
  // When one end closes, so does the other.
  client.once('close', () => served.destroy());
  served.once('close', () => client.destroy());
  served.on('error', () => undefined);
  server.emit('connection', Object.assign(served, peer));
  const request = requestOver({
    method,
    path,
    headers: [...headers, 'connection', 'close'] as unknown as Record<string, string>,
    createConnection: () => client,
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
  response.catch(() => undefined);
  return { request, response };
}

/** The path of a route of the API, whatever the path of the mount. Any other path is the GraphQL endpoint. */
function apiPath(url: string): string {
  const [path = '', search] = url.split(/\?(.*)/s);
  const [, route = GRAPHQL_PATH] = ROUTES.exec(path) ?? [];
  return search === undefined ? route : `${route}?${search}`;
}

/** The body: the request itself, or the result of a body parser that ran before. */
function bodyOf(request: IncomingMessage): Readable {
  const { body } = request as { body?: unknown };
  const isRead = request.readableEnded || request.readableDidRead;
  if (!isRead) return request;
  if (body === undefined || body === null) {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) return request;
    // The server would wait for a consumed body until its time limit.
    throw consumedBody();
  }
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return Readable.from([Buffer.from(bytes)]);
}

function fetchBodyOf({ body, bodyUsed }: Request): Readable {
  if (bodyUsed || body?.locked) throw consumedBody();
  return body ? Readable.fromWeb(body as ReadableStream) : Readable.from([]);
}

function consumedBody(): AuditError {
  return new AuditError('UNAVAILABLE', 'the body was read before the log: mount the log before body parsers');
}

// Raw headers, so that the server sees duplicates and refuses them.
function headersOf(request: IncomingMessage, isParsed: boolean): string[] {
  const { rawHeaders, headers } = request;
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    const isOfBody = name === 'content-length' || name === 'content-encoding';
    if (HOP_BY_HOP.has(name) || name.startsWith(':') || (isParsed && isOfBody)) continue;
    kept.push(name, rawHeaders[at + 1] ?? '');
  }
  const authority = headers[':authority'];
  if (headers.host === undefined && typeof authority === 'string') kept.push('host', authority);
  return kept;
}

function headerLists({ headersDistinct }: IncomingMessage): [string, string[]][] {
  return Object.entries(headersDistinct)
    .filter(([name]) => !HOP_BY_HOP.has(name))
    .map(([name, values]) => [name, values ?? []]);
}

const NO_BODY = new Set([204, 205, 304]);

function responseOf(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (const [name, values] of headerLists(incoming)) for (const value of values) headers.append(name, value);
  if (NO_BODY.has(status)) return new Response(incoming.resume() && null, { status, headers });
  return new Response(Readable.toWeb(incoming) as BodyInit, { status, headers });
}

function mountError(error: unknown, { log }: OpenLog): AuditError {
  if (error instanceof AuditError) return error;
  log.info({ cause: (error as Error).message }, 'a request to the mounted API was aborted');
  return new AuditError('UNAVAILABLE', 'the request was aborted: retry');
}

function sendError(response: ServerResponse, shown: AuditError): void {
  if (response.headersSent) return void response.destroy();
  response.statusCode = 503;
  for (const [name, value] of Object.entries(errorHeaders(shown))) response.setHeader(name, value);
  response.end(errorBody(shown));
}
