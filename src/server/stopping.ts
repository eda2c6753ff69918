import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AuditError } from '../errors.ts';
import { rawErrorResponse, sendError } from './error-response.ts';

/** Longest time for the requests that are being answered when the server stops. */
const FINISH_MS = 5_000;
/** Longest time to send the error responses to the requests that were not answered in time. */
const LAST_RESPONSES_MS = 1_000;
/** Longest time for the headers of a request that has begun to arrive. */
const ARRIVE_MS = 1_000;
const SWEEP_MS = 25;

// While the server still listens, it waits for a turn of the event loop in which no connection was accepted. A shorter turn
// leaves less time in which a client may connect unseen. So short ones are wanted first, and longer ones later.
const MAX_TURNS = 100;
const MAX_TURNS_MS = 500;
const SHORT_TURN_MS = 0.2;
/** After each so many turns, one twice as long is accepted. */
const TURNS_PER_LENGTH = 15;

/**
 * The phases of a server, in order. `leaving` is left out when the service stops without a delay.
 *
 * - `serving`: connections and requests are accepted.
 * - `leaving`: the same, and every response says `connection: close`. The instance is not ready, so balancers leave it.
 * - `accepting`: the connections that wait to be accepted are accepted. Upgrades are refused. No response says
 *   `connection: close`, since its client would connect again in the moment in which the server stops listening.
 * - `closing`: the server does not listen. Every response says `connection: close`.
 */
type Phase = 'serving' | 'leaving' | 'accepting' | 'closing';

/** Stops a server so that clients which reuse their connections lose no request. */
export interface Stopping {
  /** Whether the server is leaving or closing. */
  readonly isStopping: boolean;
  /** Registers a request. To be called for every request, before it is answered. */
  enter(request: IncomingMessage, response: ServerResponse): void;
  /** Says `connection: close` in every response. Idle connections stay open, and new ones are accepted and served. */
  leave(): void;
  /**
   * Stops listening, and resolves when the last response was sent. After five seconds the requests that are not answered get
   * UNAVAILABLE, and `onRefused` is called with that error: further work for them is of no use.
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
  /** How long the connection may be idle while the server is closing. */
  idleMs: number;
  /** How many bytes had arrived when it became idle. More bytes are the beginning of a request. */
  bytesRead: number;
}

/** The connections of a server that speak HTTP. */
class Connections {
  readonly #connections = new Map<Socket, Connection>();

  add(socket: Socket, idleMs: number): void {
    this.#connections.set(socket, { open: 0, idleSince: performance.now(), idleMs, bytesRead: 0 });
    socket.once('close', () => this.remove(socket));
  }

  remove(socket: Socket): void {
    this.#connections.delete(socket);
  }

  beginResponse(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection) connection.open += 1;
  }

  endResponse(socket: Socket, idleMs: number): void {
    const connection = this.#connections.get(socket);
    if (!connection) return;
    connection.open -= 1;
    connection.idleSince = performance.now();
    connection.idleMs = idleMs;
    connection.bytesRead = socket.bytesRead;
  }

  /** Closes the idle connections. Before `arriveUntil` a connection on which a request has begun to arrive is not idle. */
  closeIdle(arriveUntil: number): void {
    const now = performance.now();
    for (const [socket, { open, bytesRead, idleSince, idleMs }] of this.#connections) {
      const hasBegun = bytesRead !== socket.bytesRead && now < arriveUntil;
      if (open === 0 && !hasBegun && now - idleSince >= idleMs) socket.destroy();
    }
  }
}

/**
 * Prepares the stop of a server, which has to know the server's connections from the beginning. While the server is closing,
 * a connection that has been idle for `idleMs` is closed. A connection that was used more recently stays open for one more
 * request, whose response says `connection: close`. So a client that sends one request after the other is not cut off
 * between two of them.
 */
export function createStopping(server: Server, idleMs: number): Stopping {
  const connections = new Connections();
  const responses = new Set<ServerResponse>();
  let phase: Phase = 'serving';
  let accepted = 0;

  const isStopping = () => phase !== 'serving';
  const saysClose = () => phase === 'leaving' || phase === 'closing';

  server.on('connection', (socket) => {
    accepted += 1;
    // A client that connects while the server stops gets the time to send a request.
    connections.add(socket, isStopping() ? Math.max(idleMs, ARRIVE_MS) : idleMs);
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    // The WebSocket server closes what was upgraded.
    connections.remove(socket as Socket);
    if (phase !== 'accepting' && phase !== 'closing') return;
    socket.on('error', () => socket.destroy());
    socket.end(upgradeErrorResponse(), () => socket.destroy());
  });

  // A connection that waits to be accepted is reset when the server stops listening. Node accepts what waits in each turn of
  // the event loop, so a turn without a new connection is the moment to stop.
  async function untilAcceptQueueIsEmpty(): Promise<void> {
    let longestMs = SHORT_TURN_MS;
    const lastAt = performance.now() + MAX_TURNS_MS;
    for (let turn = 1; turn <= MAX_TURNS; turn += 1) {
      const before = accepted;
      const beganAt = performance.now();
      if (beganAt > lastAt) return;
      await new Promise(setImmediate);
      if (accepted === before && performance.now() - beganAt < longestMs) return;
      if (turn % TURNS_PER_LENGTH === 0) longestMs *= 2;
    }
  }

  function sendConnectionClose(next: Phase): void {
    phase = next;
    for (const response of responses) if (!response.headersSent) response.setHeader('connection', 'close');
  }

  function refuseUnanswered(): AuditError {
    const error = new AuditError('UNAVAILABLE', 'the service stops before it could answer: retry');
    for (const response of responses) {
      if (response.headersSent) response.destroy();
      else sendError(response, 503, error);
    }
    return error;
  }

  return {
    get isStopping() {
      return isStopping();
    },
    enter({ socket }, response) {
      if (saysClose()) response.setHeader('connection', 'close');
      connections.beginResponse(socket);
      responses.add(response);
      response.once('close', () => {
        responses.delete(response);
        connections.endResponse(socket, idleMs);
      });
    },
    leave: () => sendConnectionClose('leaving'),
    async stop(onRefused = () => undefined) {
      const beganAt = performance.now();
      phase = 'accepting';
      await untilAcceptQueueIsEmpty();
      const arriveUntil = performance.now() + ARRIVE_MS;
      // Not `server.close`, which also closes connections that are idle between two requests.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      sendConnectionClose('closing');
      connections.closeIdle(arriveUntil);
      // After the event loop has read what arrived: a request that is already here is not cut off.
      const sweeping = setInterval(() => setImmediate(() => connections.closeIdle(arriveUntil)), SWEEP_MS);
      let late = setTimeout(
        () => {
          onRefused(refuseUnanswered());
          // Counted from now: the error responses need time also when the process was too busy to send them in time.
          late = setTimeout(() => server.closeAllConnections(), LAST_RESPONSES_MS);
        },
        FINISH_MS - (performance.now() - beganAt),
      );
      await closed;
      for (const timer of [sweeping, late]) clearTimeout(timer);
      // Ends the timer with which Node checks the connections.
      server.close(() => undefined);
    },
  };
}
