import pLimit from 'p-limit';
import type { Pool } from '../../db/pool.ts';
import type { Reads } from '../../db/queries.ts';
import { AuditError, orUnavailable } from '../../errors.ts';
import type { AuditEvent } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { memoryBytesOf } from '../../events/json.ts';
import { readHead } from '../head.ts';
import { readRange } from './events.ts';

// So a page is one short query, whatever the filter.
const MAX_POSITIONS = 50_000;
const PAGE_EVENTS = { first: 50, most: 500 };
const PAGE_BYTES = 500_000;

/** Matching events of the log, and the position from which to go on. */
export interface ScanPage {
  events: AuditEvent[];
  next: number;
}

/** Reads the next page of matching events from `position` on, none at `end` or behind it. */
export type ScanNext = (position: number, end: number) => Promise<ScanPage>;

/**
 * Makes readers of the log from one end to the other, of which `maxReads` read at a time: appends find free
 * connections, however many there are. Pages grow and shrink towards half a megabyte. Reading throws POSITION_PURGED
 * when an event at `position` or behind it was removed, and UNAVAILABLE or OVERLOADED when the database cannot
 * answer for now.
 */
export function createScanners(
  pool: Pool,
  maxReads: number,
): (filters: readonly EventFilter[], reader: Reads) => ScanNext {
  const limitReads = pLimit(maxReads);
  return (filters, reader) => {
    let limit = PAGE_EVENTS.first;
    return async (position, end) => {
      const range = { start: position, end: Math.min(end, position + MAX_POSITIONS), limit, filters };
      const page = await limitReads(() => readPage(pool, reader, range).catch(explainUnavailable));
      if (page.events.length > 0) limit = fittingLimit(page.events);
      return page;
    };
  };
}

/** Throws POSITION_PURGED when `position` is before the oldest event that is still there. */
export function refusePurged(position: number, firstPosition: number): void {
  if (position >= firstPosition) return;
  throw new AuditError(
    'POSITION_PURGED',
    `events before position ${firstPosition} were removed by retention`,
  );
}

async function readPage(
  pool: Pool,
  reader: Reads,
  range: Parameters<typeof readRange>[1],
): Promise<ScanPage> {
  const events = await readRange(reader, range);
  // Read after the events: what is still there now was there when they were read.
  const { firstPosition } = await readHead(pool);
  refusePurged(range.start, firstPosition);
  const last = events.at(-1);
  return { events, next: last && events.length === range.limit ? last.position + 1 : range.end };
}

function fittingLimit(events: readonly AuditEvent[]): number {
  const fitting = Math.floor(PAGE_BYTES / (memoryBytesOf(events) / events.length));
  return Math.max(1, Math.min(fitting, PAGE_EVENTS.most));
}

/** Throws what a reader may see of an error of the database: UNAVAILABLE or OVERLOADED when it may pass. */
export function explainUnavailable(error: Error): never {
  throw orUnavailable(error, 'the database does not answer for now: go on from the last cursor');
}
