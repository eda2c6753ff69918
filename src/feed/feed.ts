import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queryable.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { readHead } from '../log/head.ts';
import { createPageReaders, refusePurged } from '../log/pages.ts';
import { readRange } from '../log/read.ts';
import { RecentEvents } from './recent.ts';
import { Subscriber, type Tail } from './subscriber.ts';

const PAGE = 500;
const KEPT = { events: 10_000, bytes: 32_000_000 };
const MAX_CATCH_UP_READS = 4;
const MAX_SUBSCRIBERS = 10_000;

/** Where a subscription starts: now, at the oldest event that is still there, or at a position. */
export type FeedStart = 'now' | 'beginning' | number;

/** What a subscriber wants, and where it may read it. */
export interface SubscribeRequest {
  filters: readonly EventFilter[];
  start: FeedStart;
  /** Present for a viewer to whom the database shows not every row: then each event comes from here. */
  reader?: Queryable | undefined;
}

/** The live feed of one instance. Its tail reader reads what is new once, for all subscribers. */
export interface Feed {
  /** Something may be new: called by the listener. */
  wake(): void;
  /**
   * Resolves, when the start is fixed, with the matching events in log order, each once, without end. A subscriber
   * that is slow reads from the log what the instance no longer keeps in memory; `return` ends it at once.
   * Throws POSITION_PURGED when an event that it has not been given was removed by retention, BAD_USER_INPUT when the
   * log does not reach up to the start, OVERLOADED when there are too many subscribers.
   */
  subscribe(request: SubscribeRequest): Promise<AsyncIterableIterator<AuditEvent>>;
  /** How many subscriptions are being read. */
  readonly subscribers: number;
  /** Ends all subscriptions. */
  close(): void;
}

/** Makes the feed, at the present end of the log. Errors of its reader go to `onError`; the next wake-up tries again. */
export async function createFeed(pool: Pool, onError: (error: Error) => void): Promise<Feed> {
  const recent = new RecentEvents((await readHead(pool)).frontier.size, KEPT);
  const tail: Tail = { recent, subscribers: new Set(), isClosed: false };
  const catchUp = createPageReaders(pool, MAX_CATCH_UP_READS);
  let isReading = false;
  let isStale = false;

  async function readTail(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while (isStale && !tail.isClosed) {
        isStale = false;
        const head = await readHead(pool);
        recent.forgetBefore(head.firstPosition);
        await readUpTo(pool, tail, head.frontier.size);
      }
    } catch (error) {
      onError(error as Error);
    } finally {
      isReading = false;
    }
  }

  return {
    wake() {
      isStale = true;
      void readTail();
    },
    async subscribe({ filters, start, reader }) {
      if (tail.subscribers.size >= MAX_SUBSCRIBERS) {
        throw new AuditError('OVERLOADED', 'this instance has too many subscribers: retry later');
      }
      const position = await startPosition(pool, start);
      const source = { tail, catchUp: catchUp(filters, reader ?? pool), isGuarded: reader !== undefined };
      return new Subscriber(source, filters, position).read();
    },
    get subscribers() {
      return tail.subscribers.size;
    },
    close() {
      tail.isClosed = true;
      wakeAll(tail);
    },
  };
}

async function readUpTo(pool: Pool, tail: Tail, size: number): Promise<void> {
  const { recent } = tail;
  while (recent.end < size && !tail.isClosed) {
    const end = Math.min(recent.end + PAGE, size);
    recent.add(await readRange(pool, { start: recent.end, end, limit: PAGE, filters: [] }), end);
    wakeAll(tail);
  }
}

function wakeAll({ subscribers }: Tail): void {
  for (const subscriber of subscribers) subscriber.wake();
}

async function startPosition(pool: Pool, start: FeedStart): Promise<number> {
  const { frontier, firstPosition } = await readHead(pool);
  if (start === 'now') return frontier.size;
  if (start === 'beginning') return firstPosition;
  refusePurged(start, firstPosition);
  if (start > frontier.size) {
    throw badInput('after', `is not a cursor of this log, which ends before position ${frontier.size}`);
  }
  return start;
}
