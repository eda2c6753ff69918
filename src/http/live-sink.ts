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
 *
 * A class: objects of a literal with a getter all have shapes of their own, and with thousands of them each access is
 * looked up anew.
 */
export class LiveSink implements Sink {
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #textOf: (result: ExecutionResult) => string;
  readonly #head: Buffer;
  #sentIn = -1;
  #corkedIn = -1;

  constructor(connection: Connection, id: string, textOf: (result: ExecutionResult) => string) {
    this.#connection = connection;
    this.#socket = connection.request.socket;
    this.#textOf = textOf;
    this.#head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  // With the brace that ends the message.
  encode(result: ExecutionResult): Buffer {
    return Buffer.from(`${this.#textOf(result)}}`);
  }

  send(encoded: Buffer): void {
    const { socket } = this.#connection;
    if (socket.readyState !== socket.OPEN) return;
    this.#corkAllButFirst();
    this.#socket.write(textFrame(this.#head, encoded));
  }

  get isBehind(): boolean {
    return this.#socket.writableLength > MAX_BUFFERED_BYTES;
  }

  sendAndWait(encoded: Buffer): Promise<void> {
    return this.#connection.send(Buffer.concat([this.#head, encoded]));
  }

  #corkAllButFirst(): void {
    const now = presentTick();
    if (this.#sentIn !== now) this.#sentIn = now;
    else if (this.#corkedIn !== now) {
      this.#corkedIn = now;
      corked.push(this.#socket);
      this.#socket.cork();
    }
  }
}
