import type { Socket } from 'node:net';
import type { ExecutionResult } from 'graphql';
import type { Sink } from '../graphql/live/sink.ts';
import type { Connection } from './live-protocol.ts';

const MAX_BUFFERED_BYTES = 65_536;

// What goes out on a socket first within a tick goes at once; what follows within it goes in one write.
const written = new Set<Socket>();
const corked = new Set<Socket>();

function corkAllButFirst(socket: Socket): void {
  if (written.size === 0) process.nextTick(uncorkAll);
  if (!written.has(socket)) written.add(socket);
  else if (!corked.has(socket)) {
    corked.add(socket);
    socket.cork();
  }
}

function uncorkAll(): void {
  for (const socket of corked) socket.uncork();
  corked.clear();
  written.clear();
}

/** The way of the results of the operation `id` to a client: messages of type `next`, as graphql-ws writes them. */
export function createSink(
  { socket, request, send }: Connection,
  id: string,
  textOf: (result: ExecutionResult) => string,
): Sink {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  return {
    textOf,
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      corkAllButFirst(request.socket);
      socket.send(`${head}${text}}`);
    },
    get isBehind() {
      return socket.bufferedAmount > MAX_BUFFERED_BYTES;
    },
    sendAndWait: (text) => send(`${head}${text}}`),
  };
}
