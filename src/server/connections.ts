import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import { rawErrorResponse } from './error-response.ts';

const CHECK_MS = 1_000;
const IDLE_MS = 30_000;
/** Longer than any answer takes; a live stream says something every few seconds. */
const SILENT_MS = 300_000;
const MAX_HEADER_BYTES = 16_384;
const WARN_EVERY_MS = 10_000;

export interface ConnectionOptions {
  /** Longest time for the headers of a request to arrive, and for the whole of it. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  /** Most connections, WebSockets included. */
  maxConnections: number;
  log: Logger;
}

/** The options of a server that waits for nobody for ever. */
export function serverOptions({ headersTimeoutMs, requestTimeoutMs }: ConnectionOptions): ServerOptions {
  return {
    headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeoutMs, requestTimeoutMs),
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

/** Bounds the connections of a server, and answers what is no HTTP request, or comes too slowly, with a coded error. */
export function boundConnections(server: Server, { maxConnections, log }: ConnectionOptions): void {
  server.maxConnections = maxConnections;
  server.setTimeout(SILENT_MS);
  server.on('clientError', answerBroken);
  let warnedAt = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    log.warn({ maxConnections }, 'connections are refused: there are too many');
  });
}

function answerBroken({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET' || isAnswering(socket)) return void socket.destroy();
  const [status, error] = errorOfBrokenRequest(code);
  socket.end(rawErrorResponse(status, error), () => socket.destroy());
}

function errorOfBrokenRequest(code: string): [number, AuditError] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, new AuditError('TIMEOUT', 'the request took too long to arrive')];
    case 'HPE_HEADER_OVERFLOW':
      return [431, new AuditError('PAYLOAD_TOO_LARGE', 'the headers are too large')];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, new AuditError('PAYLOAD_TOO_LARGE', 'the chunk extensions are too large')];
    default:
      return [400, new AuditError('BAD_USER_INPUT', 'this is not an HTTP request')];
  }
}

const LINGER_MS = 1_000;
const LATEST = Symbol('latest answer');

/** A connection, and the answer that was begun last on it. */
type Answering = Duplex & { [LATEST]?: ServerResponse };

/**
 * Reads what is left of a request's body, once it is answered, for a moment: so that the client can see the answer, but
 * not to an end that may never come.
 */
export function lingerAfter(request: IncomingMessage, response: ServerResponse): void {
  (request.socket as Answering)[LATEST] = response;
  response.once('finish', () => {
    if (request.complete) return;
    request.resume();
    setTimeout(() => request.complete || request.socket.destroy(), LINGER_MS).unref();
  });
}

/** Whether an answer has begun on the connection to a request that is not over yet: nothing else can be said on it. */
export function isAnswering(socket: Answering): boolean {
  const response = socket[LATEST];
  return response?.headersSent === true && !(response.writableFinished && response.req.complete);
}

const WAITING = new WeakMap<Duplex, Set<ServerResponse>>();

/**
 * Lets every answer close with its connection. Of the answers that wait in line on one (pipelining), Node tells only the
 * first that the connection is gone; whatever the others hold would be held for ever. To be called before anybody listens.
 */
export function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  // Every part that holds something for an answer lets go of it at the end: they are more than Node's usual ten.
  response.setMaxListeners(20);
  const waiting = WAITING.get(socket) ?? waitOn(socket);
  waiting.add(response);
  response.once('close', () => waiting.delete(response));
}

function waitOn(socket: Duplex): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  WAITING.set(socket, waiting);
  // Behind Node's own listener, which closes the first.
  socket.once('close', () => {
    for (const response of waiting) {
      response.destroy();
      response.emit('close');
    }
  });
  return waiting;
}
