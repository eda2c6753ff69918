import type { ExecutionResult } from 'graphql';
import type { Sink } from '../graphql/live/sink.ts';
import type { Connection } from './websocket-connection.ts';

/** From so many bytes on that wait to be sent, a subscription reads its events from the log, at the pace of its client. */
const BEHIND_BYTES = 65_536;

/**
 * The way of the results of the operation `id` to a client: messages of type `next`, as graphql-ws writes them. A result
 * is encoded once for all clients; the message, which has the id in it, is put together here.
 *
 * A class: objects of a literal with a getter all have shapes of their own, and with thousands of them each access is
 * looked up anew.
 */
export class OperationSink implements Sink {
  readonly #connection: Pick<Connection, 'socket' | 'send'>;
  readonly #textOf: (result: ExecutionResult) => string;
  readonly #head: Buffer;

  constructor(
    connection: Pick<Connection, 'socket' | 'send'>,
    id: string,
    textOf: (result: ExecutionResult) => string,
  ) {
    this.#connection = connection;
    this.#textOf = textOf;
    this.#head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  // With the brace that ends the message.
  encode(result: ExecutionResult): Buffer {
    return Buffer.from(`${this.#textOf(result)}}`);
  }

  send(encoded: Buffer): void {
    const { socket } = this.#connection;
    if (socket.readyState === socket.OPEN)
      socket.send(Buffer.concat([this.#head, encoded]), { binary: false });
  }

  get isBehind(): boolean {
    return this.#connection.socket.bufferedAmount > BEHIND_BYTES;
  }

  sendAndWait(encoded: Buffer): Promise<void> {
    return this.#connection.send(Buffer.concat([this.#head, encoded]));
  }
}
