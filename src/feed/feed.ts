import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent } from '../events/fields.ts';
import type { EventFilter } from '../events/filter.ts';
import type { CommitObserver } from '../log/append/appender.ts';
import { readHead } from '../log/head.ts';
import { createScanners, refusePurged } from '../log/read/scan.ts';
import { Subscriber } from './subscriber.ts';
import { Tail } from './tail.ts';

const MAX_CATCH_UP_READS = 4;
const MAX_SUBSCRIBERS = 10_000;

/** Where a subscription starts: at the current end of the log, at the oldest event, or at a position. */
export type FeedStart = 'now' | 'beginning' | number;

/** The events that a subscriber wants, and how it may read them. */
export interface SubscribeRequest {
  filters: readonly EventFilter[];
  start: FeedStart;
  /** The reader under row-level security of a principal that is bound to a customer. Every event then comes from it. */
  reader?: Reads | undefined;
}

/** The matching events in log order, from a position on, each once, without end. */
export interface Subscription extends AsyncIterable<AuditEvent> {
  /** The position where it starts. */
  readonly position: number;
  /** The position up to which this instance has read the log. */
  readonly end: number;
  /**
   * The events from a position on. A slow reader gets events from the log that are no longer in memory. `return` ends it at
   * once. Throws POSITION_PURGED when retention removed an event that was due.
   */
  readFrom(position: number): AsyncIterableIterator<AuditEvent>;
}

/** The live feed of one instance. It observes the commits of the instance, whose events need not be read. */
export interface Feed extends CommitObserver {
  /** The log may have grown, up to the size in `hint` if there is one. Called by the listener. */
  wake(hint?: string): void;
  /**
   * Resolves when the start is fixed. Throws POSITION_PURGED when retention removed an event that is due, BAD_USER_INPUT
   * when the start is beyond the end of the log, OVERLOADED when there are too many subscribers.
   */
  subscribe(request: SubscribeRequest): Promise<Subscription>;
  /** The position up to which this instance has read the log. It is never beyond the end of the log. */
  readonly end: number;
  /** For how many milliseconds it may have missed events of other instances: since it last read up to the head. */
  lagMs(): number;
  /** Ends all subscriptions. */
  close(): void;
}

/** Creates the feed, at the current end of the log. Errors of its reads go to `onError`; the next hint tries again. */
export async function createFeed(pool: Pool, onError: (error: Error) => void): Promise<Feed> {
  const tail = await Tail.open(pool, onError);
  const createScanner = createScanners(pool, MAX_CATCH_UP_READS);
  return {
    wake: (hint) => tail.wake(hint),
    committing: (size) => tail.committing(size),
    failed: () => tail.failed(),
    committed: (batch) => tail.committed(batch),
    async subscribe({ filters, start, reader }) {
      if (tail.subscriberCount >= MAX_SUBSCRIBERS)
        throw new AuditError('OVERLOADED', 'this instance has too many subscribers: retry later');
      const position = await startPosition(pool, start);
      const catchUp = createScanner(filters, reader ?? prismaOn(pool));
      const source = { tail, catchUp, isGuarded: reader !== undefined };
      const readFrom = (from: number) => new Subscriber(source, filters, from).read();
      return {
        position,
        get end() {
          return tail.end;
        },
        readFrom,
        [Symbol.asyncIterator]: () => readFrom(position),
      };
    },
    get end() {
      return tail.end;
    },
    lagMs: () => tail.lagMs(),
    close: () => tail.close(),
  };
}

async function startPosition(pool: Pool, start: FeedStart): Promise<number> {
  const { frontier, firstPosition } = await readHead(prismaOn(pool));
  if (start === 'now') return frontier.size;
  if (start === 'beginning') return firstPosition;
  refusePurged(start, firstPosition);
  if (start > frontier.size) {
    throw badInput('after', `is not a cursor of this log, which ends before position ${frontier.size}`);
  }
  return start;
}
