import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AuditError } from '../errors.ts';
import { rawErrorResponse, sendError } from './error-response.ts';

/** Longest time for the requests that are being answered when the server stops. */
const FINISH_MS = 5_000;
/** Longest time for the last refusals to leave. */
const LAST_RESPONSES_MS = 1_000;
/** Longest time for the headers of a request that has begun to arrive. */
const ARRIVE_MS = 1_000;
const SWEEP_MS = 25;
/** Most turns of the event loop in which new connections are still accepted. */
const MAX_TURNS = 100;
const MAX_TURNS_MS = 500;
/** The first turns at whose end the server may stop listening are shorter than this; the last ones may take any time. */
const SHORT_TURN_MS = 0.2;
/** After so many turns one that is twice as long will do. */
const PATIENCE_TURNS = 15;

/** The end of a server: no client that sends requests on a connection that is kept open loses one to it. */
export interface Stopping {
  /** Whether it has begun. */
  readonly isStopping: boolean;
  /** To be called for every request, before it is answered. */
  enter(request: IncomingMessage, response: ServerResponse): void;
  /** Says `connection: close` in every answer; idle connections stay, and new ones are still accepted and served. */
  leave(): void;
  /**
   * Leaves, takes no new connections, and resolves when the last answer is out. What has not been answered after five
   * seconds is UNAVAILABLE; then `onRefused` is called with the error: nothing more needs to be done for it.
   */
  stop(onRefused?: (error: AuditError) => void): Promise<void>;
}

/** The response to a WebSocket upgrade that arrives while the service stops. */
function upgradeErrorResponse(): string {
  const message = 'the service stops: open another connection';
  return rawErrorResponse(503, new AuditError('UNAVAILABLE', message, undefined, 1_000));
}

interface Connection {
  /** How many requests are being answered. */
  open: number;
  idleSince: number;
  /** For how long it may be idle once the server stops. */
  idleMs: number;
  /** How much had arrived when it became idle: more than that is the beginning of a request. */
  bytesRead: number;
}

/**
 * Makes the end of a server, which has to know its connections from the beginning. A connection that has been idle for
 * `idleMs` is closed; one that was used since is left to its client for one more request, which is answered with
 * `connection: close`. So a client that sends one request after the other is not cut off between two of them.
 */
export function createStopping(server: Server, idleMs: number): Stopping {
  const connections = new Map<Socket, Connection>();
  const responses = new Set<ServerResponse>();
  let isStopping = false;
  let isEnding = false;
  let saysClose = false;
  let arriveUntil = Number.POSITIVE_INFINITY;
  let accepted = 0;

  server.on('connection', (socket) => {
    accepted += 1;
    const idleSince = performance.now();
    // Who connects to a server that stops and still listens gets the time to send a request.
    const ownIdleMs = isStopping ? Math.max(idleMs, ARRIVE_MS) : idleMs;
    connections.set(socket, { open: 0, idleSince, idleMs: ownIdleMs, bytesRead: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    // What it is now, its own protocol ends.
    connections.delete(socket as Socket);
    if (!isEnding) return;
    socket.on('error', () => socket.destroy());
    socket.end(upgradeErrorResponse(), () => socket.destroy());
  });

  function onAnswered(socket: Socket, response: ServerResponse): void {
    responses.delete(response);
    const connection = connections.get(socket);
    if (!connection) return;
    connection.open -= 1;
    connection.idleSince = performance.now();
    connection.idleMs = idleMs;
    connection.bytesRead = socket.bytesRead;
  }

  // A connection that waits to be accepted is reset when the server stops listening. What waits is accepted in each turn
  // of the event loop: a turn without one is the moment to stop. Who connects between its look at what waits and its end
  // is reset all the same, so that a short turn is wanted, however busy the server is.
  async function untilNobodyWaits(): Promise<void> {
    let longestMs = SHORT_TURN_MS;
    const lastAt = performance.now() + MAX_TURNS_MS;
    for (let turn = 1; turn <= MAX_TURNS; turn += 1) {
      const before = accepted;
      const beganAt = performance.now();
      if (beganAt > lastAt) return;
      await new Promise(setImmediate);
      if (accepted === before && performance.now() - beganAt < longestMs) return;
      if (turn % PATIENCE_TURNS === 0) longestMs *= 2;
    }
  }

  // After what has arrived was read: a request that is here already is not cut off.
  function sweep(): void {
    const now = performance.now();
    for (const [socket, connection] of connections) {
      const hasBegun = connection.bytesRead !== socket.bytesRead && now < arriveUntil;
      const isIdle = now - connection.idleSince >= connection.idleMs;
      if (connection.open === 0 && !hasBegun && isIdle) socket.destroy();
    }
  }

  function tellToGo(): void {
    isStopping = true;
    saysClose = true;
    for (const response of responses) if (!response.headersSent) response.setHeader('connection', 'close');
  }

  function refuseTheRest(): AuditError {
    const error = new AuditError('UNAVAILABLE', 'the service stops before it could answer: retry');
    for (const response of responses) {
      if (response.headersSent) response.destroy();
      else sendError(response, 503, error);
    }
    return error;
  }

  return {
    get isStopping() {
      return isStopping;
    },
    enter({ socket }, response) {
      if (saysClose) response.setHeader('connection', 'close');
      const connection = connections.get(socket);
      if (connection) connection.open += 1;
      responses.add(response);
      response.once('close', () => onAnswered(socket, response));
    },
    leave: tellToGo,
    async stop(onRefused = () => undefined) {
      const beganAt = performance.now();
      isStopping = true;
      isEnding = true;
      // Clients that are told to go connect again: not in the moment in which the server stops listening.
      saysClose = false;
      await untilNobodyWaits();
      arriveUntil = performance.now() + ARRIVE_MS;
      // Not by the method of the HTTP server, which closes connections between two requests.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      tellToGo();
      sweep();
      const sweeping = setInterval(() => setImmediate(sweep), SWEEP_MS);
      let late = setTimeout(
        () => {
          onRefused(refuseTheRest());
          // From now on: the refusals are still to leave, also when the process was too busy to refuse in time.
          late = setTimeout(() => server.closeAllConnections(), LAST_RESPONSES_MS);
        },
        FINISH_MS - (performance.now() - beganAt),
      );
      await closed;
      for (const timer of [sweeping, late]) clearTimeout(timer);
      // Ends its own timer.
      server.close(() => undefined);
    },
  };
}
