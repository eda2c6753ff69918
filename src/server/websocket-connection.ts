import type { IncomingMessage, Server } from 'node:http';
import { CloseCode } from 'graphql-ws';
import type { Logger } from 'pino';
import type { VerifyClientCallbackAsync, WebSocket } from 'ws';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Principal } from '../auth/principal-and-scopes.ts';
import { RequestWork } from '../auth/request-work.ts';
import { AuditError } from '../errors.ts';
import { hasTurnTime, runNow, runWhenTurnHasTime } from '../event-loop.ts';
import { countMembers, parseInexactJson, parseJson } from '../parse-json.ts';
import type { Services } from '../schema/context.ts';
import type { DocumentChecks } from './documents.ts';
import { errorBody, errorHeaders, SECURITY_HEADERS } from './error-response.ts';
import { notThisHost, notThisOrigin, repeatedHeader } from './gate.ts';
import type { HostCheck, Origins } from './hosts-and-origins.ts';
import { checkJsonBounds } from './json-bounds.ts';
import type { OutputBuffer, RequestLimiter } from './load-limits.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import { type PeerOf, requestIdOf } from './request.ts';
import type { OperationIds } from './websocket-operation-ids.ts';
import type { Yoga } from './yoga.ts';

/** The codes with which the service closes a connection, beside those of graphql-ws for faults of a client (RFC 6455, 7.4.1). */
export const CLOSE_CODES = {
  /** The key is unknown, was revoked or has expired. */
  keyInvalid: CloseCode.Forbidden,
  /** The service cannot take this now. */
  tryAgainLater: 1013,
  /** The service stops. */
  goingAway: 1001,
};

export interface WebSocketOptions extends UpgradeRules {
  server: Server;
  yoga: Yoga;
  authenticate: Authenticate;
  peerOf: PeerOf;
  services: Services;
  documents: PersistedDocuments;
  checks: DocumentChecks;
  requests: RequestLimiter;
  outputBuffer: OutputBuffer;
  /** Time between two pings of a socket. A socket that sends nothing during five pings is closed. */
  keepAliveMs: number;
  log: Logger;
}

/** The state of a connection. */
export interface Connection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  request: IncomingMessage;
  /** Sends a message. Resolves when it has left the process, or the socket is closed. */
  send: (message: string | Buffer) => Promise<void>;
  /** Undefined before authentication, and again when the key has ended. */
  principal?: Principal | undefined;
  /** Whether the client has authenticated. */
  isAdmitted: boolean;
  /** How many messages came before authentication. */
  unauthenticatedMessages: number;
  /** The work done for the current message. */
  work: RequestWork;
  /** The length of the current message. */
  bytes: number;
  operations: OperationIds;
}

/** Creates the function that sends messages on a socket. */
export function createSend(socket: WebSocket, outputBuffer: OutputBuffer): Connection['send'] {
  // Sending on a socket that is closing waits until it is closed, so that its subscriptions do not read further events.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return (data) => {
    if (socket.readyState !== socket.OPEN) return closed;
    return new Promise<void>((resolve, reject) => {
      const release = outputBuffer.hold(data.length, () => socket.terminate());
      socket.send(data, { binary: false }, (error) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
  };
}

const MAX_SILENT_PINGS = 5;

/**
 * Pings the socket every `pingMs`, so that no proxy takes it for idle. Closes a socket that sends nothing during five pings:
 * a slow client needs the time to reach a ping behind the messages that it has not read yet.
 */
export function keepAlive(socket: WebSocket, pingMs: number): void {
  let silentPings = 0;
  const resetPings = () => {
    silentPings = 0;
  };
  for (const event of ['pong', 'ping', 'message']) socket.on(event, resetPings);
  const timer = setInterval(() => {
    if (silentPings >= MAX_SILENT_PINGS) return socket.terminate();
    silentPings += 1;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, pingMs);
  socket.once('close', () => clearInterval(timer));
}

/** The rules for opening a WebSocket. Browsers send no preflight request for it, so the service checks the origin. */
export interface UpgradeRules {
  isHost: HostCheck;
  origins: Origins;
}

/** Checks the request that opens a WebSocket by the same rules as other requests. */
export function verifyUpgrade({ isHost, origins }: UpgradeRules): VerifyClientCallbackAsync<IncomingMessage> {
  return ({ req }, done) => {
    const repeated = repeatedHeader(req);
    if (repeated) rejectUpgrade(req, done, 400, repeated);
    else if (!isHost(req.headers.host)) rejectUpgrade(req, done, 421, notThisHost());
    else if (!origins.allows(req)) rejectUpgrade(req, done, 403, notThisOrigin());
    else done(true);
  };
}

function rejectUpgrade(
  request: IncomingMessage,
  done: Parameters<VerifyClientCallbackAsync>[1],
  status: number,
  error: AuditError,
): void {
  const own = errorHeaders(error);
  done(false, status, errorBody(error), {
    ...SECURITY_HEADERS,
    'Content-Type': own['content-type'] ?? '',
    'x-request-id': requestIdOf(request),
  });
}

/** A parsed message, or its text when it is no JSON object; or why it is refused, as the reason of a close. */
export type ReadMessage = { value: unknown } | { refusal: string };

/** Reads a message of a WebSocket within the limits of a request's body. */
export function readMessage(message: Buffer, isBinary: boolean): ReadMessage {
  if (isBinary) return { refusal: 'messages are text' };
  try {
    const { members, isInexact } = checkJsonBounds(message);
    const value = parsed(message.toString('utf8'), isInexact);
    const isRepeating = typeof value === 'object' && countMembers(value) !== members;
    return isRepeating ? { refusal: 'there is a duplicate key' } : { value };
  } catch (error) {
    if (error instanceof AuditError) return { refusal: error.message };
    throw error;
  }
}

// graphql-ws refuses a text that is no JSON object with its own close code.
function parsed(text: string, isInexact: boolean): unknown {
  try {
    const value = isInexact ? parseInexactJson(text) : parseJson(text);
    return typeof value === 'object' ? value : text;
  } catch {
    return text;
  }
}

/**
 * Longest message that is read before authentication, or while the key has spent its points. The largest token and a
 * subscription fit; parsing it takes little time.
 */
const MAX_UNPAID_BYTES = 16_384;
/** Most messages that are read before authentication. */
const MAX_UNAUTHENTICATED_MESSAGES = 10;

type Charges = Pick<WebSocketOptions, 'services' | 'peerOf'>;

/** Decides whether a message is read, before any work on it. Returns the close code and reason otherwise. */
export function admitMessage(
  { services: { rates, failures }, peerOf }: Charges,
  connection: Connection,
  bytes: number,
): { code: number; reason: string } | undefined {
  if (!connection.isAdmitted) {
    connection.unauthenticatedMessages += 1;
    if (bytes <= MAX_UNPAID_BYTES && connection.unauthenticatedMessages <= MAX_UNAUTHENTICATED_MESSAGES)
      return undefined;
    failures.count(peerOf(connection.request).ipAddress);
    const reason = `up to ${MAX_UNAUTHENTICATED_MESSAGES} messages of ${MAX_UNPAID_BYTES} bytes before connection_ack`;
    return { code: CloseCode.BadRequest, reason };
  }
  if (bytes <= MAX_UNPAID_BYTES || !connection.principal) return undefined;
  try {
    rates.check(connection.principal.keyId);
    return undefined;
  } catch {
    return { code: CLOSE_CODES.tryAgainLater, reason: 'the API key has spent what it may: try again later' };
  }
}

/** Takes the work for a message from the rate limit of its key, or before authentication of its address. */
export function spendMessageWork(
  { services: { rates, failures }, peerOf }: Charges,
  connection: Connection,
): void {
  const { principal, isAdmitted, request, work } = connection;
  connection.work = new RequestWork();
  if (principal) rates.charge(principal.keyId, work.takeUnpaid());
  else if (!isAdmitted) failures.count(peerOf(request).ipAddress, work.milliseconds);
}

/**
 * Handles the messages of a socket in order, each in a turn of the event loop that has time for it: one turn may receive many
 * messages of many sockets. While a message waits, the socket is not read.
 */
export function onMessageInTurns(
  socket: WebSocket,
  handle: (data: Buffer, isBinary: boolean) => void,
  onFailure: (error: Error) => void,
): void {
  const waiting: { data: Buffer; isBinary: boolean }[] = [];

  async function handleWaiting(): Promise<void> {
    socket.pause();
    for (let next = waiting[0]; next; next = waiting[0]) {
      const { data, isBinary } = next;
      await runWhenTurnHasTime(() => handle(data, isBinary));
      waiting.shift();
    }
    socket.resume();
  }

  socket.on('message', (data: Buffer, isBinary) => {
    if (waiting.length === 0 && hasTurnTime()) return runNow(() => handle(data, isBinary));
    waiting.push({ data, isBinary });
    if (waiting.length === 1) handleWaiting().catch(onFailure);
  });
}
