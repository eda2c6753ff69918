import type { AuditEvent } from '../events/fields.ts';
import { type EventFilter, matches } from '../events/filter.ts';
import type { ScanNext } from '../log/read/scan.ts';
import type { Tail } from './tail.ts';

/** The sources of a subscriber's events: memory, and the log. */
export interface SubscriberSource {
  tail: Tail;
  catchUp: ScanNext;
  /** Whether every event must come through `catchUp`, under row-level security. Memory then only tells what to skip. */
  isGuarded: boolean;
}

/**
 * Reads the matching events from a position on, each once, without end. It has no queue: its next event is in the memory that
 * all subscribers share, or in the log.
 */
export class Subscriber {
  readonly #tail: Tail;
  readonly #catchUp: ScanNext;
  readonly #isGuarded: boolean;
  readonly #filters: readonly EventFilter[];
  #position: number;
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(source: SubscriberSource, filters: readonly EventFilter[], position: number) {
    this.#tail = source.tail;
    this.#catchUp = source.catchUp;
    this.#isGuarded = source.isGuarded;
    this.#filters = filters;
    this.#position = position;
  }

  /** Resumes it when it waits for the tail to grow. */
  wake(): void {
    this.#wake();
  }

  /** The events. To be called once. `return` ends the iteration at once, even while it waits for the tail to grow. */
  read(): AsyncIterableIterator<AuditEvent> {
    const events = this.#joined();
    const end = () => {
      this.#isEnded = true;
      this.#wake();
    };
    return {
      next: () => events.next(),
      return: () => {
        end();
        return events.return();
      },
      throw: (error) => {
        end();
        return events.throw(error);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // Joins at the first read, so a subscriber that is never read leaves nothing behind.
  async *#joined(): AsyncGenerator<AuditEvent, void> {
    this.#tail.join(this);
    try {
      while (!this.#isOver) yield* this.#next();
    } finally {
      this.#tail.leave(this);
    }
  }

  get #isOver(): boolean {
    return this.#isEnded || this.#tail.isClosed;
  }

  async *#next(): AsyncGenerator<AuditEvent, void> {
    if (this.#position >= this.#tail.end) await this.#growth();
    else if (this.#isGuarded && this.#skipOthers()) return;
    else if (this.#tail.at(this.#position) && !this.#isGuarded) yield* this.#fromMemory();
    else yield* this.#fromLog();
  }

  #growth(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  // Skips events in memory that do not match. True when it skipped any.
  #skipOthers(): boolean {
    const start = this.#position;
    for (;;) {
      const event = this.#tail.at(this.#position);
      if (!event || this.#matches(event)) return this.#position > start;
      this.#position += 1;
    }
  }

  #matches(event: AuditEvent): boolean {
    return this.#filters.every((filter) => matches(event, filter));
  }

  // One at a time, so that a slow reader keeps no other event alive.
  *#fromMemory(): Generator<AuditEvent, void> {
    for (;;) {
      const event = this.#tail.at(this.#position);
      if (!event || this.#isOver) return;
      this.#position += 1;
      if (this.#matches(event)) yield event;
    }
  }

  async *#fromLog(): AsyncGenerator<AuditEvent, void> {
    const { events, next } = await this.#catchUp(this.#position, this.#tail.end);
    for (const event of events) {
      if (this.#isOver) return;
      yield event;
    }
    this.#position = next;
  }
}
