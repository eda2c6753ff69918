import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { sendNodeResponse } from '@whatwg-node/server';
import type { Logger } from 'pino';
import { createQuota, type Quota } from '../auth/quota.ts';
import { AuditError } from '../errors.ts';
import { IntegrityError } from '../evidence/integrity-alarms.ts';
import { internalErrorMessage } from './client-errors.ts';
import {
  boundConnections,
  type ConnectionOptions,
  closeWithConnection,
  serverOptions,
} from './connections.ts';
import { DocumentChecks } from './documents.ts';
import { sendError, sendFailure } from './error-response.ts';
import { EXPORT_PATH, serveExport } from './export-route.ts';
import { createGate } from './gate.ts';
import type { HostCheck, Origins } from './hosts-and-origins.ts';
import {
  createOutputBuffer,
  createRequestLimiter,
  type OutputBuffer,
  type RequestLimiter,
} from './load-limits.ts';
import { GRAPHQL_PATH, requestIdOf } from './request.ts';
import { createStopping, type Stopping } from './stopping.ts';
import { createOpenStreams } from './subscriptions.ts';
import { isTilesPath, serveTiles } from './tiles-route.ts';
import { serveWebSockets } from './websocket.ts';
import { createGraphqlServer, type Yoga, type YogaOptions } from './yoga.ts';

/** A server of the API, whoever gives it connections. */
export interface ApiServer {
  server: Server;
  /**
   * From now on the instance is not ready, and every answer says `connection: close`; resolves after `stopDelayMs`, until
   * when new connections are accepted and served, so that balancers have time to see it.
   */
  leave(): Promise<void>;
  /**
   * Takes no new connections, at once closes WebSockets with 1001 and ends event streams, tells other clients with their
   * next answer to open another connection, and resolves when the last answer is out, after five seconds at most.
   */
  close(): Promise<void>;
}

/** A server that listens. */
export interface HttpServer extends Pick<ApiServer, 'leave' | 'close'> {
  /** `http://127.0.0.1:4000` */
  url: string;
}

export interface ApiServerOptions
  extends ConnectionOptions,
    Omit<YogaOptions, 'checks' | 'requests' | 'outputBuffer' | 'streams'> {
  /** Whether the log's hashes and checkpoints need no key. */
  publicEvidence: boolean;
  /** Time between two pings of a WebSocket. */
  keepAliveMs: number;
  isHost: HostCheck;
  origins: Origins;
  /** When it closes: for how long a connection that was just used is left open for one more request. */
  stopIdleMs: number;
  /** Before it closes: for how long it serves although it is not ready. */
  stopDelayMs: number;
  /** Most requests that are being answered at a time, subscriptions aside. */
  maxRequests: number;
  /** Most bytes of answers that wait to be sent. */
  maxUnsentBytes: number;
  /** Called when it closes and has refused what could not be answered in time: nothing more needs to be done for that. */
  onRefused: (error: AuditError) => void;
  /** Why the instance is not ready, if it is not; resolves within two seconds. */
  problems: () => Promise<string[]>;
}

/** Where a server listens. */
export interface HttpOptions extends ApiServerOptions {
  host: string;
  port: number;
}

/** Serves the API, its live feed, exports, GraphiQL and the health endpoints. */
export async function listen({ host, port, ...options }: HttpOptions): Promise<HttpServer> {
  const { server, ...ends } = createApiServer(options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { url: urlOf(server, host), ...ends };
}

/** Makes the server of the API, which does not listen yet. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const requests = createRequestLimiter(options);
  const outputBuffer = createOutputBuffer(options.maxUnsentBytes);
  const streams = createOpenStreams();
  const bounds = { requests, outputBuffer, checks: new DocumentChecks(options) };
  const yoga = createGraphqlServer({ ...options, ...bounds, streams });
  const server = createServer(serverOptions(options));
  const stopping = createStopping(server, options.stopIdleMs);
  const files = createQuota({ ...FILES, what: 'files of exports', code: 'OVERLOADED' });
  server.on('request', createHandler({ ...options, outputBuffer, files }, { requests, stopping, yoga }));
  boundConnections(server, options);
  const closeSockets = serveWebSockets({ ...options, ...bounds, server, yoga });
  return {
    server,
    async leave() {
      if (options.stopDelayMs === 0) return;
      stopping.leave();
      await setTimeout(options.stopDelayMs);
    },
    async close() {
      streams.close();
      await Promise.all([closeSockets(), stopping.stop(options.onRefused)]);
    },
  };
}

/** Files of exports that are being taken at a time: each holds some megabytes, also while its client does not read. */
const FILES = {
  total: { count: 32, bytes: Number.POSITIVE_INFINITY },
  perKey: { count: 8, bytes: Number.POSITIVE_INFINITY },
};

/** What the routes beside the API stand on. */
type RouteOptions = ApiServerOptions & { outputBuffer: OutputBuffer; files: Quota };

function createHandler(
  options: RouteOptions,
  { requests, stopping, yoga }: { requests: RequestLimiter; stopping: Stopping; yoga: Yoga },
) {
  const admits = createGate({ ...options, requests });
  return (request: IncomingMessage, response: ServerResponse) => {
    closeWithConnection(request, response);
    stopping.enter(request, response);
    if (!admits(request, response)) return;
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/health/live') answer(response, 200, 'live');
    else if (path === '/health/ready' && stopping.isStopping) answer(response, 503, 'the service stops');
    else if (path === '/health/ready') void answerReady(options, response);
    else if (path.startsWith(EXPORT_PATH)) void answerExport(options, request, response);
    else if (isTilesPath(path)) void answerTiles(options, request, response);
    else if (path === GRAPHQL_PATH) void answerGraphql(yoga, options.log, request, response);
    else if (path === '/' && wantsPage(request)) response.writeHead(302, { location: GRAPHQL_PATH }).end();
    else
      sendError(response, 404, new AuditError('NOT_FOUND', 'there is nothing here: the API is at /graphql'));
  };
}

async function answerGraphql(
  yoga: Yoga,
  log: Logger,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  // Node leaves out the body of an answer to HEAD; Yoga knows its page by GET alone.
  if (req.method === 'HEAD' && wantsPage(req)) req.method = 'GET';
  try {
    const answer = await yoga.handleNodeRequestAndResponse(req, res, { req, res });
    await sendNodeResponse(answer, res, req, true);
  } catch (cause) {
    // Yoga's own listener would answer with the stack.
    const requestId = requestIdOf(req);
    log.fatal({ err: cause, requestId }, 'a request could not even be refused');
    if (res.headersSent) res.destroy();
    else sendError(res, 500, new AuditError('INTERNAL', internalErrorMessage(requestId)));
  }
}

/** Whether a browser asks for a page. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}

async function answerReady({ problems }: ApiServerOptions, response: ServerResponse): Promise<void> {
  const found = await problems();
  answer(response, found.length === 0 ? 200 : 503, found.length === 0 ? 'ready' : found.join('\n'));
}

async function answerExport(
  { services, peerOf, files, log }: RouteOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await serveExport({ services, peerOf, files }, request, response);
  } catch (error) {
    log.info({ cause: (error as Error).message, requestId: requestIdOf(request) }, 'an export ended early');
    // Once the status line is out, a broken connection is the only honest end of a broken file.
    if (response.headersSent) response.destroy();
    else sendFailure(response, error, { log, requestId: requestIdOf(request) });
  }
}

async function answerTiles(
  { services, authenticate, peerOf, publicEvidence, outputBuffer, log }: RouteOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await serveTiles(
      { services, authenticate, peerOf, outputBuffer, isPublic: publicEvidence },
      request,
      response,
    );
  } catch (error) {
    const requestId = requestIdOf(request);
    if (error instanceof IntegrityError) {
      log.error({ err: error, requestId }, 'a tile could not be served');
      return refuseDamaged(response, request.url);
    }
    sendFailure(response, error, { log, requestId });
  }
}

// Whoever verifies the log from outside is to find that something is missing, and not that the service has a problem.
function refuseDamaged(response: ServerResponse, url = ''): void {
  const message = 'the stored log is not whole: see audit-log verify';
  if (/\/checkpoint(?:\?|$)/.test(url)) sendError(response, 503, new AuditError('UNAVAILABLE', message));
  else sendError(response, 404, new AuditError('NOT_FOUND', message));
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
