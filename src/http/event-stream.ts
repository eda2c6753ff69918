import { Readable } from 'node:stream';
import type { ExecutionResult } from 'graphql';

const COMMENT = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';

export interface EventStreamOptions {
  /** A comment is sent this often, so that the connection never looks idle. */
  keepAliveMs: number;
  /** The JSON of a result. */
  textOf: (result: ExecutionResult) => string;
  /** The streams that are being read: it joins and leaves them. */
  open: Set<EventStream>;
}

/**
 * The results of a subscription as server-sent events, in the form of graphql-sse's distinct connections mode. It asks
 * for a result when the one before was taken, so a client that does not read holds one. Nothing runs before it is read.
 */
export class EventStream extends Readable {
  readonly #results: AsyncIterator<ExecutionResult>;
  readonly #options: EventStreamOptions;
  #keepAlive: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isEnded = false;

  constructor(results: AsyncIterable<ExecutionResult>, options: EventStreamOptions) {
    super();
    this.#results = results[Symbol.asyncIterator]();
    this.#options = options;
  }

  /** Ends the stream without `complete`. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.push(null);
  }

  override _read(): void {
    if (!this.#keepAlive) this.#begin();
    else if (!this.#isAsking) void this.#ask();
  }

  // The first comment takes the headers to the client at once.
  #begin(): void {
    this.#options.open.add(this);
    this.#keepAlive = setInterval(() => {
      if (this.readableLength === 0 && !this.#isEnded) this.push(COMMENT);
    }, this.#options.keepAliveMs);
    this.push(COMMENT);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    // What is thrown is the last result.
    const next = await this.#results.next().catch((error) => ({ done: false, value: { errors: [error] } }));
    this.#isAsking = false;
    if (this.#isEnded || this.destroyed) return;
    if (!next.done) this.push(`event: next\ndata: ${this.#options.textOf(next.value)}\n\n`);
    else {
      this.push(COMPLETE);
      this.end();
    }
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    clearInterval(this.#keepAlive);
    this.#options.open.delete(this);
    this.#isEnded = true;
    this.#results.return?.().then(() => callback(), callback);
  }
}
