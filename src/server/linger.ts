import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

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
