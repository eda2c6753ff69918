import { type CopyRows, withLiterals } from '../db/copy.ts';
import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { EventFilter } from '../events/filter.ts';
import { positionOf, ROW_COLUMNS } from '../log/canonical-row.ts';
import { readFirstPosition } from '../log/head.ts';
import { explainUnavailable, refusePurged } from '../log/pages.ts';
import { Turns } from '../log/turns.ts';
import { allOf, whereOf } from '../log/where.ts';

// So a block is one short statement, whatever the filter, and whatever follows small events.
const MAX_POSITIONS = 50_000;
const BLOCK_EVENTS = { first: 50, most: 5_000 };
const BLOCK_BYTES = { wanted: 2_000_000, most: 4_000_000 };

/**
 * Hands the rows of the next matching events from `position` on to `onRow`, none at `end` or behind it, and resolves
 * with the position from which to go on.
 */
export type ReadBlock = (position: number, end: number, onRow: (row: Buffer) => void) => Promise<number>;

/**
 * Makes readers of the log from one end to the other, of which `maxReads` read at a time, as `createPageReaders` does,
 * for those who want rows as COPY gives them. Blocks grow and shrink towards two megabytes. Reading throws
 * POSITION_PURGED when an event at `position` or behind it was removed, and UNAVAILABLE when the database cannot be
 * reached; what `onRow` got of that block before is not to be used.
 */
export function createBlockReaders(
  pool: Pool,
  maxReads: number,
): (filters: readonly EventFilter[], copyRows: CopyRows) => ReadBlock {
  const turns = new Turns(maxReads);
  return (filters, copyRows) => {
    let limit = BLOCK_EVENTS.first;
    return (position, end, onRow) =>
      turns.take(async () => {
        const range = { start: position, end: Math.min(end, position + MAX_POSITIONS), limit };
        const read = await readBlock(copyRows, statementOf(filters, range), onRow).catch(explainUnavailable);
        // Read after the rows: what is still there now was there when they were read.
        refusePurged(position, await readFirstPosition(prismaOn(pool)).catch(explainUnavailable));
        if (read.rows > 0) limit = fittingLimit(read);
        return read.isCut || read.rows === range.limit ? read.last + 1 : range.end;
      });
  };
}

interface Read {
  rows: number;
  bytes: number;
  last: number;
  /** Whether there was too much of it. */
  isCut: boolean;
}

async function readBlock(copyRows: CopyRows, statement: string, onRow: (row: Buffer) => void): Promise<Read> {
  const read: Read = { rows: 0, bytes: 0, last: -1, isCut: false };
  await copyRows(statement, (row) => {
    onRow(row);
    read.rows += 1;
    read.bytes += row.length;
    read.last = positionOf(row);
    read.isCut = read.bytes > BLOCK_BYTES.most;
    return !read.isCut;
  });
  return read;
}

function statementOf(
  filters: readonly EventFilter[],
  { start, end, limit }: { start: number; end: number; limit: number },
): string {
  const where = allOf([whereOf(filters), Prisma.sql`position >= ${start} AND position < ${end}`]);
  return withLiterals(
    Prisma.sql`SELECT ${Prisma.raw(ROW_COLUMNS)} FROM audit_events WHERE ${where} ORDER BY position LIMIT ${limit}`,
  );
}

function fittingLimit({ rows, bytes }: Read): number {
  const fitting = Math.floor(BLOCK_BYTES.wanted / (bytes / rows));
  return Math.max(1, Math.min(fitting, BLOCK_EVENTS.most));
}
