import { type Server, type ServerOptions, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import { refusalBody, refusalHeaders, SECURITY_HEADERS } from './error-response.ts';
import { isAnswering } from './linger.ts';

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
  const [status, error] = refusalOf(code);
  const body = refusalBody(error);
  const headers = {
    ...SECURITY_HEADERS,
    ...refusalHeaders(error),
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}

function refusalOf(code: string): [number, AuditError] {
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
