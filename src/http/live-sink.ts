import type { Socket } from 'node:net';
import type { ExecutionResult } from 'graphql';
import type { Sink } from '../graphql/live/sink.ts';
import type { Connection } from './live-protocol.ts';
import { textFrame } from './text-frame.ts';

const MAX_BUFFERED_BYTES = 65_536;

/** Counts the ticks of the event loop in which something was sent. */
let tick = 0;
let isCounted = false;
const corked: Socket[] = [];

function presentTick(): number {
  if (!isCounted) process.nextTick(endTick);
  isCounted = true;
  return tick;
}

function endTick(): void {
  tick += 1;
  isCounted = false;
  for (const socket of corked) socket.uncork();
  corked.length = 0;
}

/**
 * The way of the results of the operation `id` to a client: messages of type `next`, as graphql-ws writes them. A result
 * is encoded once for all clients; its frame, which has the id in it, is put together here and written to the socket in
 * one piece, beside `ws`, which would write it in two. What goes out first within a tick goes at once; what follows
 * within it goes in one write.
 */
export function createSink(
  { socket: webSocket, request: { socket }, send }: Connection,
  id: string,
  textOf: (result: ExecutionResult) => string,
): Sink {
  const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  let sentIn = -1;
  let corkedIn = -1;

  function corkAllButFirst(): void {
    const now = presentTick();
    if (sentIn !== now) sentIn = now;
    else if (corkedIn !== now) {
      corkedIn = now;
      corked.push(socket);
      socket.cork();
    }
  }

  return {
    // With the brace that ends the message.
    encode: (result) => Buffer.from(`${textOf(result)}}`),
    send(encoded) {
      if (webSocket.readyState !== webSocket.OPEN) return;
      corkAllButFirst();
      socket.write(textFrame(head, encoded));
    },
    get isBehind() {
      return socket.writableLength > MAX_BUFFERED_BYTES;
    },
    sendAndWait: (encoded) => send(Buffer.concat([head, encoded])),
  };
}
