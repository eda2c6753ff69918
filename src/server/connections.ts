import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import { rawErrorResponse, SECURITY_HEADERS, sendError } from './error-response.ts';

const CHECK_MS = 1_000;
/** How long an idle connection is kept for the next request. */
const IDLE_MS = 30_000;
/** A connection without any traffic for so long is closed. No response takes as long, and live streams send pings. */
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

/** The options of the HTTP server: a deadline for each part of a request. */
export function serverOptions({ headersTimeoutMs, requestTimeoutMs }: ConnectionOptions): ServerOptions {
  return {
    headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeoutMs, requestTimeoutMs),
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

/** Limits the number of connections. Answers a malformed or slow request with a coded error. */
export function boundConnections(server: Server, { maxConnections, log }: ConnectionOptions): void {
  server.maxConnections = maxConnections;
  server.setTimeout(SILENT_MS);
  server.on('clientError', answerBroken);
  server.on('checkExpectation', refuseExpectation);
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

// Node answers without a body.
function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const error = new AuditError('BAD_USER_INPUT', 'must be 100-continue, or left out', 'expect');
  response.setHeaders(new Map(Object.entries({ ...SECURITY_HEADERS, connection: 'close' })));
  lingerAfter(request, response);
  sendError(response, 417, error);
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

/** How long the rest of a request's body is read after its response. */
const LINGER_MS = 1_000;
const LATEST = Symbol('latest response');

/** A connection with the response that was begun last on it. */
type Answering = Duplex & { [LATEST]?: ServerResponse };

/**
 * Reads the rest of a request's body for a second after the response, then closes the connection. A client that is still
 * sending would otherwise be reset before it can read the response.
 */
export function lingerAfter(request: IncomingMessage, response: ServerResponse): void {
  (request.socket as Answering)[LATEST] = response;
  response.once('finish', () => {
    if (request.complete) return;
    request.resume();
    setTimeout(() => request.complete || request.socket.destroy(), LINGER_MS).unref();
  });
}

/** Whether a response has begun on the connection and its request has not ended: no other response can be sent on it. */
export function isAnswering(socket: Answering): boolean {
  const response = socket[LATEST];
  return response?.headersSent === true && !(response.writableFinished && response.req.complete);
}

const WAITING = new WeakMap<Duplex, Set<ServerResponse>>();

/**
 * Emits `close` on every response of a connection when the connection closes. With pipelined requests Node does so for the
 * first response only, and the resources of the others would never be released. To be called before other listeners are
 * added.
 */
export function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  // More parts release resources when a response closes than the ten listeners after which Node warns.
  response.setMaxListeners(20);
  const waiting = WAITING.get(socket) ?? waitOn(socket);
  waiting.add(response);
  response.once('close', () => waiting.delete(response));
}

function waitOn(socket: Duplex): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  WAITING.set(socket, waiting);
  // Runs after Node's own listener, which closes the first response.
  socket.once('close', () => {
    for (const response of waiting) {
      response.destroy();
      response.emit('close');
    }
  });
  return waiting;
}
