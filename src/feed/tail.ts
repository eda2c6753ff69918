import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { readsOn } from '../db/queries.ts';
import type { AuditEvent } from '../events/fields.ts';
import { memoryBytesOf } from '../events/json.ts';
import type { CommittedEvents } from '../log/append/appender.ts';
import { readHead, readSize } from '../log/head.ts';
import { readTail } from '../log/read/events.ts';

const PAGE = 500;
const MAX_RECENT = { events: 10_000, bytes: 32_000_000 };

/**
 * The tail of the log, as one instance has read it. It reads new events once, for all subscribers, and wakes them. Hints
 * affect only when it reads: the head of the log is the truth.
 */
export class Tail {
  readonly #pool: Pool;
  readonly #onError: (error: Error) => void;
  readonly #recent: RecentEvents;
  readonly #subscribers = new Set<TailSubscriber>();
  #isReading = false;
  #isStale = false;
  #hintedSize = 0;
  #committingSize: number | undefined;
  #upToDateAt = performance.now();
  #isClosed = false;

  private constructor(pool: Pool, size: number, onError: (error: Error) => void) {
    this.#pool = pool;
    this.#onError = onError;
    this.#recent = new RecentEvents(size, MAX_RECENT);
  }

  /** Starts at the current end of the log. Errors of its reads go to `onError`; the next hint tries again. */
  static async open(pool: Pool, onError: (error: Error) => void): Promise<Tail> {
    return new Tail(pool, await readSize(pool), onError);
  }

  /** The position after the newest event that was read. */
  get end(): number {
    return this.#recent.end;
  }

  /** The event at the position. Undefined when it is not in memory. */
  at(position: number): AuditEvent | undefined {
    return this.#recent.at(position);
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Wakes the subscriber from now on whenever the tail grows, and when it closes. */
  join(subscriber: TailSubscriber): void {
    this.#subscribers.add(subscriber);
  }

  leave(subscriber: TailSubscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** The log may have grown. A hint is its size as text; without one, the head is read. */
  wake(hint = ''): void {
    if (/^\d{1,15}$/.test(hint)) this.#hintedSize = Math.max(this.#hintedSize, Number(hint));
    else this.#isStale = true;
    void this.#read();
  }

  /**
   * This instance commits a batch, after which the log has this size. The notification of the commit often arrives before its
   * response. It leads to no read: `committed` or `failed` follows. When the response is lost, the next hint without a size
   * leads to a read.
   */
  committing(size: number): void {
    this.#committingSize = size;
  }

  /** The batch has failed. Another instance may have committed events up to the same size. */
  failed(): void {
    const isRead = this.#hintedSize !== this.#committingSize;
    this.#committingSize = undefined;
    if (!isRead) void this.#read();
  }

  /** Adds events that this instance has committed. When others come before them, all are read. */
  committed({ start, count, events }: CommittedEvents): void {
    this.#committingSize = undefined;
    // Without subscribers no event is kept in memory: a later subscriber reads past events from the log.
    if (start === this.end) this.#add(this.#subscribers.size > 0 ? events() : [], start + count);
    // The notification may have come before.
    else void this.#read();
  }

  /** Milliseconds since the start of the last read that reached the head. */
  lagMs(): number {
    return performance.now() - this.#upToDateAt;
  }

  close(): void {
    this.#isClosed = true;
    this.#wakeSubscribers();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isBehind && !this.#isClosed) {
        if (this.#isStale) await this.#readToHead();
        else if (!(await this.#readUnbroken(this.#hintedSize))) this.#forgetHint();
      }
    } catch (error) {
      this.#onError(error as Error);
    } finally {
      this.#isReading = false;
    }
  }

  get #isBehind(): boolean {
    return this.#isStale || (this.#hintedSize > this.end && this.#hintedSize !== this.#committingSize);
  }

  async #readToHead(): Promise<void> {
    this.#isStale = false;
    const now = performance.now();
    const head = await readHead(prismaOn(this.#pool));
    this.#recent.forgetBefore(head.firstPosition);
    while (this.end < head.frontier.size && !this.#isClosed) {
      const start = this.end;
      const end = Math.min(start + PAGE, head.frontier.size);
      const events = await readTail(readsOn(this.#pool), start, end, PAGE);
      // `committed` may have added events meanwhile.
      if (this.end === start) this.#add(events, end);
    }
    this.#upToDateAt = now;
  }

  /** Reads the next page up to `size`. False, and nothing is added, when events are missing from it. */
  async #readUnbroken(size: number): Promise<boolean> {
    const start = this.end;
    const events = await readTail(readsOn(this.#pool), start, size, PAGE);
    // `committed` has added events meanwhile: the caller reads on from the new end.
    if (this.end !== start) return true;
    const end = start + events.length;
    if (events.length === 0 || events.at(-1)?.position !== end - 1) return false;
    this.#add(events, end);
    return true;
  }

  // Events up to the hinted size are missing, so the head has to tell.
  #forgetHint(): void {
    this.#hintedSize = 0;
    this.#isStale = true;
  }

  #add(events: readonly AuditEvent[], end: number): void {
    this.#recent.add(events, end);
    this.#wakeSubscribers();
  }

  #wakeSubscribers(): void {
    for (const subscriber of this.#subscribers) subscriber.wake();
  }
}

/** What the tail calls when it has grown. */
export interface TailSubscriber {
  wake(): void;
}

/** The newest events of the log in memory, without a gap and within bounds. Most subscribers need these next. */
export class RecentEvents {
  readonly #events = new Map<number, { event: AuditEvent; bytes: number }>();
  readonly #most: { events: number; bytes: number };
  #start: number;
  #end: number;
  #bytes = 0;

  /** Starts empty at position `end`. Keeps at most `most.events` events and about `most.bytes` bytes. */
  constructor(end: number, most: { events: number; bytes: number }) {
    this.#start = end;
    this.#end = end;
    this.#most = most;
  }

  /** The position after the newest event. */
  get end(): number {
    return this.#end;
  }

  /** The event at the position. Undefined when it is not in memory. */
  at(position: number): AuditEvent | undefined {
    return this.#events.get(position)?.event;
  }

  /** Adds the events from `end` up to `newEnd`. When some of them are missing (purged), forgets all events. */
  add(events: readonly AuditEvent[], newEnd: number): void {
    const isWhole = events.length === newEnd - this.#end;
    this.#end = newEnd;
    if (!isWhole) this.forgetBefore(newEnd);
    for (const event of isWhole ? events : []) {
      const bytes = memoryBytesOf(event);
      this.#events.set(event.position, { event, bytes });
      this.#bytes += bytes;
    }
    while (this.#events.size > this.#most.events || this.#bytes > this.#most.bytes) this.#forgetFirst();
  }

  /** Forgets the events before `position`, which retention removed. */
  forgetBefore(position: number): void {
    while (this.#start < Math.min(position, this.#end)) this.#forgetFirst();
  }

  #forgetFirst(): void {
    this.#bytes -= this.#events.get(this.#start)?.bytes ?? 0;
    this.#events.delete(this.#start);
    this.#start += 1;
  }
}
