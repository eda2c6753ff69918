import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import type { AuditEvent } from '../events/event.ts';
import { type EventFilter, matches } from '../events/filter.ts';
import { readHead } from '../log/head.ts';
import { readRange } from '../log/read.ts';
import { RecentEvents } from './recent.ts';
import { Signal } from './signal.ts';

const PAGE = 500;
const MAX_RECENT = 5_000;

/** Where a subscription starts: now, at the oldest event that is still there, or at a position. */
export type FeedStart = 'now' | 'beginning' | number;

/** The live feed of one instance. Its tail reader reads what is new once, for all subscribers. */
export interface Feed {
  /** Something may be new: called by the listener. */
  wake(): void;
  /**
   * The matching events in log order, each once, without end. A subscriber has nothing but its position: one that is
   * slow reads from the log what the instance no longer keeps in memory.
   * Throws POSITION_PURGED when an event it has not been given was removed by retention.
   */
  subscribe(filters: readonly EventFilter[], start: FeedStart): AsyncGenerator<AuditEvent, void>;
  /** Ends all subscriptions. */
  close(): void;
}

/** Makes the feed, at the present end of the log. Errors of its reader go to `onError`; the next wake-up tries again. */
export async function createFeed(pool: Pool, onError: (error: Error) => void): Promise<Feed> {
  const recent = new RecentEvents((await readHead(pool)).frontier.size, MAX_RECENT);
  const growth = new Signal();
  let isReading = false;
  let isStale = false;
  let isClosed = false;

  async function readTail(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while (isStale && !isClosed) {
        isStale = false;
        const head = await readHead(pool);
        recent.forgetBefore(head.firstPosition);
        await readUpTo(head.frontier.size);
      }
    } catch (error) {
      onError(error as Error);
    } finally {
      isReading = false;
    }
  }

  async function readUpTo(size: number): Promise<void> {
    while (recent.end < size) {
      const end = Math.min(recent.end + PAGE, size);
      recent.add(await readRange(pool, { start: recent.end, end, limit: PAGE, filters: [] }), end);
      growth.fire();
    }
  }

  return {
    wake() {
      isStale = true;
      void readTail();
    },
    async *subscribe(filters, start) {
      let position = await startPosition(pool, start);
      while (!isClosed) {
        const grown = growth.next;
        const end = recent.end;
        const kept = recent.from(position);
        if (kept?.length === 0) {
          await grown;
        } else if (kept) {
          yield* kept.filter((event) => filters.every((filter) => matches(event, filter)));
          position = end;
        } else {
          const page = await readPage(pool, filters, { position, end });
          yield* page.events;
          position = page.next;
        }
      }
    },
    close() {
      isClosed = true;
      growth.fire();
    },
  };
}

async function startPosition(pool: Pool, start: FeedStart): Promise<number> {
  const head = await readHead(pool);
  if (typeof start === 'number') return refusePurged(start, head.firstPosition);
  return start === 'now' ? head.frontier.size : head.firstPosition;
}

async function readPage(
  pool: Pool,
  filters: readonly EventFilter[],
  { position, end }: { position: number; end: number },
): Promise<{ events: AuditEvent[]; next: number }> {
  const events = await readRange(pool, { start: position, end, limit: PAGE, filters });
  // Read after the events: what is still there now was there when they were read.
  const { firstPosition } = await readHead(pool);
  refusePurged(position, firstPosition);
  const last = events.at(-1);
  return { events, next: last && events.length === PAGE ? last.position + 1 : end };
}

function refusePurged(position: number, firstPosition: number): number {
  if (position >= firstPosition) return position;
  throw new AuditError(
    'POSITION_PURGED',
    `events before position ${firstPosition} were removed by retention`,
  );
}
