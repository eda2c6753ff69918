import type { ExecutionResult } from 'graphql';
import type { AuditEvent } from '../../events/event.ts';
import type { Subscription } from '../../feed/feed.ts';
import type { SharedOperation } from './operation.ts';
import type { Sink } from './sink.ts';

/**
 * A client's part in a shared operation: a place in the log and where results go. As an iterator it yields nothing: it
 * lasts as long as the subscription does, and throws what ends it. Results are sent from when it is first read.
 */
export class Member implements AsyncIterableIterator<ExecutionResult> {
  readonly #subscription: Subscription;
  readonly #operation: () => SharedOperation;
  readonly #sender: Sink;
  readonly #over = { done: true, value: undefined } as const;
  #joined: SharedOperation | undefined;
  #events: AsyncIterableIterator<AuditEvent> | undefined;
  #position: number;
  #isOver = false;
  #settle: { end: () => void; fail: (error: unknown) => void } | undefined;

  /** `operation` gives the shared one, when the member joins it. */
  constructor(subscription: Subscription, operation: () => SharedOperation, sender: Sink) {
    this.#subscription = subscription;
    this.#operation = operation;
    this.#sender = sender;
    this.#position = subscription.position;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#isOver) return Promise.resolve(this.#over);
    return new Promise((resolve, reject) => {
      this.#settle = { end: () => resolve(this.#over), fail: reject };
      this.#join();
    });
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    this.end();
    return Promise.resolve(this.#over);
  }

  throw(error: unknown): Promise<never> {
    this.end();
    return Promise.reject(error);
  }

  /** The subscription has come to an end. */
  end(): void {
    this.#isOver = true;
    this.#joined?.remove(this);
    void this.#events?.return?.();
    this.#settle?.end();
  }

  /** Sends the result of the event at a position, unless it is not due; false: it has to wait. */
  take(position: number, encoded: Buffer): boolean {
    if (position < this.#position) return true;
    if (this.#sender.isBehind) return false;
    this.#sender.send(encoded);
    this.#position = position + 1;
    return true;
  }

  /** Reads from the log what it is due, each event when the one before has left, until it is with the others again. */
  async catchUp(): Promise<void> {
    try {
      this.#events = this.#subscription.readFrom(this.#position);
      for await (const event of this.#events) {
        await this.#sendAlone(event);
        if (this.#isOver) return;
        const operation = this.#current();
        if (operation.isAt(this.#position)) return operation.follow(this);
      }
      this.end();
    } catch (error) {
      this.#settle?.fail(error);
      this.end();
    }
  }

  async #sendAlone(event: AuditEvent): Promise<void> {
    const encoded = await (this.#joined as SharedOperation).encodedOf(event);
    if (this.#isOver) return;
    await this.#sender.sendAndWait(encoded);
    this.#position = event.position + 1;
  }

  #join(): void {
    if (this.#joined) return;
    const operation = this.#current();
    if (operation.isAt(this.#position)) operation.follow(this);
    else void this.catchUp();
  }

  /** The operation that it is in; another one, when that has ended. */
  #current(): SharedOperation {
    if (this.#joined && !this.#joined.hasEnded) return this.#joined;
    this.#joined?.remove(this);
    this.#joined = this.#operation();
    this.#joined.add(this);
    return this.#joined;
  }
}
