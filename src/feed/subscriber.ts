import type { AuditEvent } from '../events/fields.ts';
import { type EventFilter, matches } from '../events/filter.ts';
import type { ScanNext } from '../log/read/scan.ts';
import type { RecentEvents } from './tail.ts';

/** What all subscribers of an instance share. */
export interface Tail {
  /** The newest events. */
  recent: RecentEvents;
  /** The subscribers that are being read: woken when `recent` has grown. */
  subscribers: Set<Subscriber>;
  isClosed: boolean;
}

/** Where a subscriber's events come from. */
export interface SubscriberSource {
  tail: Tail;
  catchUp: ScanNext;
  /** What is in memory only tells that there may be something: the event itself comes through `catchUp`. */
  isGuarded: boolean;
}

/**
 * A place in the log and the matching events from there on, each once, without end. It holds no queue: what it needs
 * next is in memory for all subscribers, or in the log.
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

  /** Goes on when it waits for the log to grow. */
  wake(): void {
    this.#wake();
  }

  /** The events, to be read once. `return` ends them at once, also while they wait for the log to grow. */
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

  // It joins when it is first read, so one that is given up before leaves nothing behind.
  async *#joined(): AsyncGenerator<AuditEvent, void> {
    this.#tail.subscribers.add(this);
    try {
      while (!this.#isOver) yield* this.#next();
    } finally {
      this.#tail.subscribers.delete(this);
    }
  }

  get #isOver(): boolean {
    return this.#isEnded || this.#tail.isClosed;
  }

  async *#next(): AsyncGenerator<AuditEvent, void> {
    const { recent } = this.#tail;
    if (this.#position >= recent.end) await this.#growth();
    else if (this.#isGuarded && this.#skipOthers()) return;
    else if (recent.at(this.#position) && !this.#isGuarded) yield* this.#fromMemory();
    else yield* this.#fromLog();
  }

  #growth(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  // Whether it moved on, over events in memory that do not match.
  #skipOthers(): boolean {
    const start = this.#position;
    for (;;) {
      const event = this.#tail.recent.at(this.#position);
      if (!event || this.#matches(event)) return this.#position > start;
      this.#position += 1;
    }
  }

  #matches(event: AuditEvent): boolean {
    return this.#filters.every((filter) => matches(event, filter));
  }

  // One at a time: whoever is slow keeps no other event alive.
  *#fromMemory(): Generator<AuditEvent, void> {
    for (;;) {
      const event = this.#tail.recent.at(this.#position);
      if (!event || this.#isOver) return;
      this.#position += 1;
      if (this.#matches(event)) yield event;
    }
  }

  async *#fromLog(): AsyncGenerator<AuditEvent, void> {
    const { events, next } = await this.#catchUp(this.#position, this.#tail.recent.end);
    for (const event of events) {
      if (this.#isOver) return;
      yield event;
    }
    this.#position = next;
  }
}
