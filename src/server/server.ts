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

/** A server of the API. Its connections come from a port, or from a program that mounts the API. */
export interface ApiServer {
  server: Server;
  /**
   * Makes the instance not ready, and says `connection: close` in every response. Resolves after `stopDelayMs`. Until then
   * new connections are accepted and served, so that balancers have the time to leave.
   */
  leave(): Promise<void>;
  /**
   * Stops listening. Closes WebSockets with 1001 and ends event streams at once. Tells other clients by `connection: close`
   * in their next response to open another connection. Resolves when the last response was sent, after about six seconds at
   * most.
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
  /** While it closes: how long a connection that was just used stays open for one more request. */
  stopIdleMs: number;
  /** Before it closes: how long it serves although it is not ready. */
  stopDelayMs: number;
  /** Most requests that are being answered at a time, without subscriptions. */
  maxRequests: number;
  /** Most bytes of responses that wait to be read by their clients. */
  maxUnsentBytes: number;
  /** Called while it closes, when the unanswered requests were refused: further work for them is of no use. */
  onRefused: (error: AuditError) => void;
  /** Why the instance is not ready, if it is not; resolves within two seconds. */
  problems: () => Promise<string[]>;
}

/** The options of a server that listens. */
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

/** Creates the server of the API, which does not listen yet. */
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

/** Most export files that are being sent at a time: each takes some megabytes, also while its client does not read. */
const FILES = {
  total: { count: 32, bytes: Number.POSITIVE_INFINITY },
  perKey: { count: 8, bytes: Number.POSITIVE_INFINITY },
};

/** The options of the routes beside the API. */
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
      sendError(
        response,
        404,
        new AuditError('NOT_FOUND', 'there is nothing at this path: the API is at /graphql'),
      );
  };
}

async function answerGraphql(
  yoga: Yoga,
  log: Logger,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  // Yoga serves its page by GET only, and Node leaves out the body of a response to HEAD.
  if (req.method === 'HEAD' && wantsPage(req)) req.method = 'GET';
  try {
    const answer = await yoga.handleNodeRequestAndResponse(req, res, { req, res });
    await sendNodeResponse(answer, res, req, true);
  } catch (cause) {
    // Yoga's own request listener would send the stack to the client.
    const requestId = requestIdOf(req);
    log.fatal({ err: cause, requestId }, 'a request could not be answered, not even with an error');
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
    // After the status line, only a broken connection can tell the client that the file is incomplete.
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

// 404 for a tile: a verifier then reports that the tile is missing, instead of a problem of the service.
function refuseDamaged(response: ServerResponse, url = ''): void {
  const message = 'the stored log is damaged: run audit-log verify';
  if (/\/checkpoint(?:\?|$)/.test(url)) sendError(response, 503, new AuditError('UNAVAILABLE', message));
  else sendError(response, 404, new AuditError('NOT_FOUND', message));
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
