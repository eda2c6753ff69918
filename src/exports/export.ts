import { Readable } from 'node:stream';
import type { CopyRows } from '../db/copy.ts';
import type { Pool } from '../db/pool.ts';
import { readHead } from '../log/head.ts';
import { createBlockReaders, type ReadBlock } from './block.ts';
import { USUAL_CSV } from './csv.ts';
import { FORMATS } from './formats.ts';
import type { ExportGrant } from './link.ts';

const MAX_READS = 4;

/**
 * Resolves with the file of a grant: the matching events in log order, up to the end that the log had when the grant was
 * made. Two blocks are in memory at a time: one on its way to the client, and the next. The stream breaks with
 * POSITION_PURGED when events are removed that it has not read yet.
 */
export type OpenExport = (grant: ExportGrant) => Promise<Readable>;

/** Makes the exports of an instance, of which a few read at a time, each where its viewer may read. */
export function createExports(pool: Pool, copyRowsOf: (grant: ExportGrant) => CopyRows): OpenExport {
  const readers = createBlockReaders(pool, MAX_READS);
  return async (grant) => {
    const { frontier, firstPosition } = await readHead(pool);
    const range = { start: firstPosition, end: Math.min(grant.end, frontier.size) };
    return Readable.from(piecesOf(grant, readers(grant.filters, copyRowsOf(grant)), range), {
      objectMode: false,
      highWaterMark: 1,
    });
  };
}

async function* piecesOf(
  { format, csv = USUAL_CSV }: ExportGrant,
  read: ReadBlock,
  { start, end }: { start: number; end: number },
): AsyncGenerator<string | Buffer> {
  const { head, tail, createWriter } = FORMATS[format];
  const writer = createWriter(csv);
  const first = head(csv);
  const readFrom = (position: number) => {
    const block = read(position, end, writer.row).then((next) => ({ pieces: writer.take(), next }));
    // It may fail while nobody waits for it yet, or ever, when the client leaves.
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
