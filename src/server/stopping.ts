import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AuditError } from '../errors.ts';
import { refuse } from './error-response.ts';

/** Longest time for the requests that are being answered when the server stops. */
const FINISH_MS = 5_000;
/** Longest time for the last refusals to leave. */
const LAST_WORDS_MS = 1_000;
/** Longest time for the headers of a request that has begun to arrive. */
const ARRIVE_MS = 1_000;
const SWEEP_MS = 25;
/** Most turns of the event loop in which new connections are still accepted. */
const MAX_TURNS = 100;

/** The end of a server: no client that sends requests on a connection that is kept open loses one to it. */
export interface Stopping {
  /** Whether it has begun. */
  readonly isStopping: boolean;
  /** To be called for every request, before it is answered. */
  enter(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Takes no new connections, says `connection: close` in every answer, closes idle connections, and resolves when the
   * last answer is out. What has not been answered after five seconds is UNAVAILABLE.
   */
  stop(): Promise<void>;
}

interface Connection {
  /** How many requests are being answered. */
  open: number;
  idleSince: number;
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
  let stoppedAt = 0;
  let accepted = 0;

  server.on('connection', (socket) => {
    accepted += 1;
    connections.set(socket, { open: 0, idleSince: performance.now(), bytesRead: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    // What it is now, its own protocol ends.
    connections.delete(socket as Socket);
    if (!isStopping) return;
    socket.on('error', () => socket.destroy());
    socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n', () => socket.destroy());
  });

  function leave(socket: Socket, response: ServerResponse): void {
    responses.delete(response);
    const connection = connections.get(socket);
    if (!connection) return;
    connection.open -= 1;
    connection.idleSince = performance.now();
    connection.bytesRead = socket.bytesRead;
  }

  // A connection that waits to be accepted is reset when the server stops listening. What waits is accepted in each turn
  // of the event loop: the first turn without one is the moment to stop.
  async function untilNobodyWaits(): Promise<void> {
    for (let turn = 0, before = -1; before !== accepted && turn < MAX_TURNS; turn += 1) {
      before = accepted;
      await new Promise(setImmediate);
    }
  }

  // After what has arrived was read: a request that is here already is not cut off.
  function sweep(): void {
    const now = performance.now();
    for (const [socket, { open, idleSince, bytesRead }] of connections) {
      const hasBegun = bytesRead !== socket.bytesRead && now - stoppedAt < ARRIVE_MS;
      if (open === 0 && !hasBegun && now - idleSince >= idleMs) socket.destroy();
    }
  }

  function refuseTheRest(): void {
    for (const response of responses) {
      if (response.headersSent) response.destroy();
      else
        refuse(
          response,
          503,
          new AuditError('UNAVAILABLE', 'the service stops before it could answer: retry'),
        );
    }
  }

  return {
    get isStopping() {
      return isStopping;
    },
    enter({ socket }, response) {
      if (isStopping) response.setHeader('connection', 'close');
      const connection = connections.get(socket);
      if (connection) connection.open += 1;
      responses.add(response);
      response.once('close', () => leave(socket, response));
    },
    async stop() {
      isStopping = true;
      stoppedAt = performance.now();
      for (const response of responses) if (!response.headersSent) response.setHeader('connection', 'close');
      await untilNobodyWaits();
      // Not by the method of the HTTP server, which closes connections between two requests.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      sweep();
      const sweeping = setInterval(() => setImmediate(sweep), SWEEP_MS);
      const late = setTimeout(refuseTheRest, FINISH_MS);
      const forced = setTimeout(() => server.closeAllConnections(), FINISH_MS + LAST_WORDS_MS);
      await closed;
      for (const timer of [sweeping, late, forced]) clearTimeout(timer);
      // Ends its own timer.
      server.close(() => undefined);
    },
  };
}
