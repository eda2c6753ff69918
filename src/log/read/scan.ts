import pLimit from 'p-limit';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import type { Reads } from '../../db/queries.ts';
import { AuditError, orUnavailable } from '../../errors.ts';
import type { AuditEvent } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { memoryBytesOf } from '../../events/json.ts';
import { readFirstPosition } from '../head.ts';
import { readRange } from './events.ts';

// Bounds the time of one query, whatever the filter.
const MAX_POSITIONS = 50_000;
const PAGE_EVENTS = { first: 50, most: 500 };
const PAGE_BYTES = 500_000;

/** Matching events, and the position where the next page starts. */
export interface ScanPage {
  events: AuditEvent[];
  next: number;
}

/** Reads the next page of matching events from `position` (inclusive) to `end` (exclusive). */
export type ScanNext = (position: number, end: number) => Promise<ScanPage>;

/**
 * Creates scanners that read the log forward in pages. At most `maxReads` of them read at a time, so that appends find free
 * connections. The size of a page adapts towards half a megabyte. A scanner throws POSITION_PURGED when retention removed an
 * event at `position` or after it, and UNAVAILABLE or OVERLOADED when the database cannot answer for now.
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

/** Throws POSITION_PURGED when `position` is before the oldest event that retention has left. */
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
  // After the events: an event that exists now existed when they were read.
  const firstPosition = await readFirstPosition(prismaOn(pool));
  refusePurged(range.start, firstPosition);
  const last = events.at(-1);
  return { events, next: last && events.length === range.limit ? last.position + 1 : range.end };
}

function fittingLimit(events: readonly AuditEvent[]): number {
  const fitting = Math.floor(PAGE_BYTES / (memoryBytesOf(events) / events.length));
  return Math.max(1, Math.min(fitting, PAGE_EVENTS.most));
}

/** Throws a database error as clients may see it: UNAVAILABLE or OVERLOADED when a retry may help. */
export function explainUnavailable(error: Error): never {
  throw orUnavailable(error, 'the database does not answer for now: go on from the last cursor');
}
