import { Readable } from 'node:stream';
import pLimit from 'p-limit';
import { type CopyRows, withLiterals } from '../../db/bulk-read.ts';
import { Prisma } from '../../db/generated/client.ts';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import type { EventFilter } from '../../events/filter.ts';
import { readFirstPosition, readHead } from '../head.ts';
import { positionOf, ROW_COLUMNS } from '../read/canonical-row.ts';
import { allOf, whereOf } from '../read/filter-sql.ts';
import { explainUnavailable, refusePurged } from '../read/scan.ts';
import { type CsvOptions, createCsvWriter, csvHead, USUAL_CSV } from './csv.ts';
import { type BlockWriter, createJsonWriter } from './json.ts';
import type { ExportFormat, ExportGrant } from './link.ts';

const MAX_READS = 4;

/**
 * Resolves with the export of a grant: the matching events in log order, up to the size of the log when the grant was made.
 * At most two blocks are in memory: one that is being sent, and the next. The stream fails with POSITION_PURGED when
 * retention removes events that it has not read yet.
 */
export type OpenExport = (grant: ExportGrant) => Promise<Readable>;

/** Creates the exports of an instance. At most four read at a time, each with the rights of its principal. */
export function createExports(pool: Pool, copyRowsOf: (grant: ExportGrant) => CopyRows): OpenExport {
  const readers = createBlockReaders(pool, MAX_READS);
  return async (grant) => {
    const { frontier, firstPosition } = await readHead(prismaOn(pool));
    const range = { start: firstPosition, end: Math.min(grant.end, frontier.size) };
    return Readable.from(streamFile(grant, readers(grant.filters, copyRowsOf(grant)), range), {
      objectMode: false,
      highWaterMark: 1,
    });
  };
}

async function* streamFile(
  { format, csv = USUAL_CSV }: ExportGrant,
  read: ReadBlock,
  { start, end }: { start: number; end: number },
): AsyncGenerator<string | Buffer> {
  const { head, tail, createWriter } = FORMATS[format];
  const writer = createWriter(csv);
  const first = head(csv);
  const readFrom = (position: number) => {
    const block = read(position, end, writer.row).then((next) => ({ pieces: writer.take(), next }));
    // It may fail before it is awaited, or without being awaited when the client disconnects.
    block.catch(() => undefined);
    return block;
  };
  if (first) yield first;
  let ahead = start < end ? readFrom(start) : undefined;
  while (ahead) {
    const { pieces, next } = await ahead;
    ahead = next < end ? readFrom(next) : undefined;
    yield* pieces;
  }
  if (tail) yield tail;
}

/** A file format: the text before and after the events, and the writer of the events. */
export interface FileFormat {
  contentType: string;
  extension: string;
  head(csv: CsvOptions): string;
  createWriter(csv: CsvOptions): BlockWriter;
  tail: string;
}

/** The file formats. A line of NDJSON is the canonical form of an event, byte for byte. */
export const FORMATS: Record<ExportFormat, FileFormat> = {
  NDJSON: {
    contentType: 'application/x-ndjson',
    extension: 'ndjson',
    head: () => '',
    createWriter: () => createJsonWriter({ first: '', between: '', after: '\n' }),
    tail: '',
  },
  JSON: {
    contentType: 'application/json',
    extension: 'json',
    head: () => '[',
    createWriter: () => createJsonWriter({ first: '\n', between: ',\n', after: '' }),
    tail: '\n]\n',
  },
  CSV: {
    contentType: 'text/csv; charset=utf-8',
    extension: 'csv',
    head: csvHead,
    createWriter: createCsvWriter,
    tail: '',
  },
};

// Bounds the time of one statement, whatever the filter.
const MAX_POSITIONS = 50_000;
const BLOCK_EVENTS = { first: 50, most: 5_000 };
const BLOCK_BYTES = { wanted: 2_000_000, most: 4_000_000 };

/**
 * Calls `onRow` with the rows of the next matching events from `position` (inclusive) to `end` (exclusive). Resolves with the
 * position where the next block starts.
 */
export type ReadBlock = (position: number, end: number, onRow: (row: Buffer) => void) => Promise<number>;

/**
 * Creates readers that read the log forward as `createScanners` does, but with rows in COPY's binary format. At most `maxReads`
 * of them read at a time. The size of a block adapts towards two megabytes. A reader throws POSITION_PURGED when retention
 * removed an event at `position` or after it, and UNAVAILABLE when the database cannot be reached; the rows of that block
 * must then be discarded.
 */
export function createBlockReaders(
  pool: Pool,
  maxReads: number,
): (filters: readonly EventFilter[], copyRows: CopyRows) => ReadBlock {
  const limitReads = pLimit(maxReads);
  return (filters, copyRows) => {
    let limit = BLOCK_EVENTS.first;
    return (position, end, onRow) =>
      limitReads(async () => {
        const range = { start: position, end: Math.min(end, position + MAX_POSITIONS), limit };
        const read = await readBlock(copyRows, blockStatement(filters, range), onRow).catch(
          explainUnavailable,
        );
        // After the rows: an event that exists now existed when they were read.
        refusePurged(position, await readFirstPosition(prismaOn(pool)).catch(explainUnavailable));
        if (read.rows > 0) limit = fittingLimit(read);
        return read.isCut || read.rows === range.limit ? read.last + 1 : range.end;
      });
  };
}

interface BlockRead {
  rows: number;
  bytes: number;
  last: number;
  /** Whether the block was cut because it was too large. */
  isCut: boolean;
}

async function readBlock(
  copyRows: CopyRows,
  statement: string,
  onRow: (row: Buffer) => void,
): Promise<BlockRead> {
  const read: BlockRead = { rows: 0, bytes: 0, last: -1, isCut: false };
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

function blockStatement(
  filters: readonly EventFilter[],
  { start, end, limit }: { start: number; end: number; limit: number },
): string {
  const where = allOf([whereOf(filters), Prisma.sql`position >= ${start} AND position < ${end}`]);
  return withLiterals(
    Prisma.sql`SELECT ${Prisma.raw(ROW_COLUMNS)} FROM audit_events WHERE ${where} ORDER BY position LIMIT ${limit}`,
  );
}

function fittingLimit({ rows, bytes }: BlockRead): number {
  const fitting = Math.floor(BLOCK_BYTES.wanted / (bytes / rows));
  return Math.max(1, Math.min(fitting, BLOCK_EVENTS.most));
}
