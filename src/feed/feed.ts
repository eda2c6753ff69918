import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent } from '../events/fields.ts';
import type { EventFilter } from '../events/filter.ts';
import type { CommittedEvents } from '../log/append/appender.ts';
import { readHead } from '../log/head.ts';
import { readTail } from '../log/read/events.ts';
import { createScanners, refusePurged } from '../log/read/scan.ts';
import { Subscriber, type Tail } from './subscriber.ts';
import { RecentEvents } from './tail.ts';

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
  /** Present for a principal to whom the database shows not every row: then each event comes from here. */
  reader?: Reads | undefined;
}

/** The matching events in log order, from a position on, each once, without end. */
export interface Subscription extends AsyncIterable<AuditEvent> {
  /** Where it begins. */
  readonly position: number;
  /** The end of what this instance has read of the log so far. */
  readonly end: number;
  /**
   * The events from a position on. A reader that is slow gets from the log what the instance no longer keeps in memory;
   * `return` ends it at once. Throws POSITION_PURGED when an event that is due was removed by retention.
   */
  readFrom(position: number): AsyncIterableIterator<AuditEvent>;
}

/** The live feed of one instance. Its tail reader reads what is new once, for all subscribers. */
export interface Feed {
  /** Something may be new, up to the size of the log that `hint` says, if it says one: called by the listener. */
  wake(hint?: string): void;
  /** What this instance has just committed: it need not be read, if it is the next. */
  take(committed: CommittedEvents): void;
  /**
   * Resolves when the start is fixed. Throws POSITION_PURGED when an event that is due was removed by retention,
   * BAD_USER_INPUT when the log does not reach up to the start, OVERLOADED when there are too many subscribers.
   */
  subscribe(request: SubscribeRequest): Promise<Subscription>;
  /** The end of what it has read of the log so far, which is never beyond the log's own. */
  readonly end: number;
  /** For how long it may have missed what other instances wrote, in milliseconds: since it last read up to the head. */
  lagMs(): number;
  /** Ends all subscriptions. */
  close(): void;
}

/** Makes the feed, at the present end of the log. Errors of its reader go to `onError`; the next wake-up tries again. */
export async function createFeed(pool: Pool, onError: (error: Error) => void): Promise<Feed> {
  const recent = new RecentEvents((await readHead(pool)).frontier.size, KEPT);
  const tail: Tail = { recent, subscribers: new Set(), isClosed: false };
  const catchUp = createScanners(pool, MAX_CATCH_UP_READS);
  let isReading = false;
  let isStale = false;
  let hintedSize = 0;
  let upToDateAt = performance.now();

  async function read(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while ((isStale || hintedSize > recent.end) && !tail.isClosed) {
        if (isStale) await readToHead();
        else if (!(await readUnbroken(pool, tail, hintedSize))) forgetHint();
      }
    } catch (error) {
      onError(error as Error);
    } finally {
      isReading = false;
    }
  }

  async function readToHead(): Promise<void> {
    isStale = false;
    const now = performance.now();
    const head = await readHead(pool);
    recent.forgetBefore(head.firstPosition);
    await readUpTo(pool, tail, head.frontier.size);
    upToDateAt = now;
  }

  // Not all is there up to where the hint says: the head knows better.
  function forgetHint(): void {
    hintedSize = 0;
    isStale = true;
  }

  return {
    wake(hint = '') {
      if (/^\d{1,15}$/.test(hint)) hintedSize = Math.max(hintedSize, Number(hint));
      else isStale = true;
      void read();
    },
    take({ start, count, events }) {
      // Otherwise the notification leads to it, and to what comes before it.
      if (start === recent.end) addToTail(tail, hasReaders(tail) ? events() : [], start + count);
    },
    async subscribe({ filters, start, reader }) {
      if (tail.subscribers.size >= MAX_SUBSCRIBERS) {
        throw new AuditError('OVERLOADED', 'this instance has too many subscribers: retry later');
      }
      const position = await startPosition(pool, start);
      const source = {
        tail,
        catchUp: catchUp(filters, reader ?? prismaOn(pool)),
        isGuarded: reader !== undefined,
      };
      const readFrom = (from: number) => new Subscriber(source, filters, from).read();
      return {
        position,
        get end() {
          return recent.end;
        },
        readFrom,
        [Symbol.asyncIterator]: () => readFrom(position),
      };
    },
    get end() {
      return recent.end;
    },
    lagMs: () => performance.now() - upToDateAt,
    close() {
      tail.isClosed = true;
      wakeAll(tail);
    },
  };
}

async function readUpTo(pool: Pool, tail: Tail, size: number): Promise<void> {
  const { recent } = tail;
  while (recent.end < size && !tail.isClosed) {
    const start = recent.end;
    const end = Math.min(start + PAGE, size);
    const events = await readTail(prismaOn(pool), start, end, PAGE);
    if (recent.end === start) addToTail(tail, events, end);
  }
}

/** Reads the next page up to `size`; false, and nothing is taken, when it has a hole or is not there. */
async function readUnbroken(pool: Pool, tail: Tail, size: number): Promise<boolean> {
  const { recent } = tail;
  const start = recent.end;
  const events = await readTail(prismaOn(pool), start, size, PAGE);
  // Taken meanwhile: what is left, if anything, begins elsewhere.
  if (recent.end !== start) return true;
  const end = start + events.length;
  if (events.length === 0 || events.at(-1)?.position !== end - 1) return false;
  addToTail(tail, events, end);
  return true;
}

function addToTail(tail: Tail, events: readonly AuditEvent[], end: number): void {
  tail.recent.add(events, end);
  wakeAll(tail);
}

// Without any, nothing has to be kept in memory: who comes later and is due what has passed reads it from the log.
function hasReaders({ subscribers }: Tail): boolean {
  return subscribers.size > 0;
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
