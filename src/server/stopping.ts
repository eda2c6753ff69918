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

// While the server still listens, it waits for a turn of the event loop in which no connection was accepted. The shorter the
// turn, the less likely a client has connected and is not accepted yet. So the wait begins with very short turns, and accepts
// longer ones when none is short enough.
const MAX_TURNS = 100;
const MAX_TURNS_MS = 500;
const SHORT_TURN_MS = 0.2;
/** The number of turns after which the accepted length is doubled. */
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

interface HttpConnection {
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
  readonly #connections = new Map<Socket, HttpConnection>();

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
  return new ServerStopping(server, idleMs);
}

class ServerStopping implements Stopping {
  readonly #server: Server;
  readonly #idleMs: number;
  readonly #connections = new Connections();
  /** The responses that are not sent to the end. */
  readonly #responses = new Set<ServerResponse>();
  #phase: Phase = 'serving';
  /** How many connections were accepted. */
  #accepted = 0;

  constructor(server: Server, idleMs: number) {
    this.#server = server;
    this.#idleMs = idleMs;
    server.on('connection', (socket) => this.#addConnection(socket));
    server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => this.#upgrade(socket as Socket));
  }

  get isStopping(): boolean {
    return this.#phase !== 'serving';
  }

  enter({ socket }: IncomingMessage, response: ServerResponse): void {
    if (this.#phase === 'leaving' || this.#phase === 'closing') response.setHeader('connection', 'close');
    this.#connections.beginResponse(socket);
    this.#responses.add(response);
    response.once('close', () => {
      this.#responses.delete(response);
      this.#connections.endResponse(socket, this.#idleMs);
    });
  }

  leave(): void {
    this.#phase = 'leaving';
    this.#sendConnectionClose();
  }

  async stop(onRefused: (error: AuditError) => void = () => undefined): Promise<void> {
    const finishAt = performance.now() + FINISH_MS;
    this.#phase = 'accepting';
    await this.#untilAcceptQueueIsEmpty();
    // Not `server.close`, which also closes connections that are idle between two requests.
    const closed = new Promise<void>((resolve) =>
      NetServer.prototype.close.call(this.#server, () => resolve()),
    );
    this.#phase = 'closing';
    this.#sendConnectionClose();
    const stopClosing = this.#closeIdleConnections();
    const cancelRefusal = this.#refuseAfter(finishAt - performance.now(), onRefused);
    await closed;
    stopClosing();
    cancelRefusal();
    // Ends the timer with which Node checks the connections.
    this.#server.close(() => undefined);
  }

  #addConnection(socket: Socket): void {
    this.#accepted += 1;
    // A client that connects while the server stops gets the time to send a request.
    this.#connections.add(socket, this.isStopping ? Math.max(this.#idleMs, ARRIVE_MS) : this.#idleMs);
  }

  #upgrade(socket: Socket): void {
    // The WebSocket server closes what was upgraded.
    this.#connections.remove(socket);
    if (this.#phase !== 'accepting' && this.#phase !== 'closing') return;
    socket.on('error', () => socket.destroy());
    socket.end(upgradeErrorResponse(), () => socket.destroy());
  }

  // A connection that waits to be accepted is reset when the server stops listening. Node accepts what waits in each turn of
  // the event loop, so a turn without a new connection is the moment to stop.
  async #untilAcceptQueueIsEmpty(): Promise<void> {
    let longestMs = SHORT_TURN_MS;
    const lastAt = performance.now() + MAX_TURNS_MS;
    for (let turn = 1; turn <= MAX_TURNS; turn += 1) {
      const before = this.#accepted;
      const beganAt = performance.now();
      if (beganAt > lastAt) return;
      await new Promise(setImmediate);
      if (this.#accepted === before && performance.now() - beganAt < longestMs) return;
      if (turn % TURNS_PER_LENGTH === 0) longestMs *= 2;
    }
  }

  #sendConnectionClose(): void {
    for (const response of this.#responses)
      if (!response.headersSent) response.setHeader('connection', 'close');
  }

  /** Closes connections as soon as they are idle, until the returned function is called. */
  #closeIdleConnections(): () => void {
    const arriveUntil = performance.now() + ARRIVE_MS;
    this.#connections.closeIdle(arriveUntil);
    // After the event loop has read what arrived: a request that is already here is not cut off.
    const sweep = () => setImmediate(() => this.#connections.closeIdle(arriveUntil));
    const sweeping = setInterval(sweep, SWEEP_MS);
    return () => clearInterval(sweeping);
  }

  /** Refuses the unanswered requests after a time, and closes all connections a second later. Returns the way to cancel it. */
  #refuseAfter(waitMs: number, onRefused: (error: AuditError) => void): () => void {
    let timer = setTimeout(() => {
      onRefused(this.#refuseUnanswered());
      // Counted from now: the error responses need time also when the process was too busy to send them in time.
      timer = setTimeout(() => this.#server.closeAllConnections(), LAST_RESPONSES_MS);
    }, waitMs);
    return () => clearTimeout(timer);
  }

  #refuseUnanswered(): AuditError {
    const error = new AuditError('UNAVAILABLE', 'the service stops before it could answer: retry');
    for (const response of this.#responses) {
      if (response.headersSent) response.destroy();
      else sendError(response, 503, error);
    }
    return error;
  }
}
