import { Readable } from 'node:stream';
import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queryable.ts';
import { readHead } from '../log/head.ts';
import { createPageReaders, type ReadPage } from '../log/pages.ts';
import { WRITERS } from './formats.ts';
import type { ExportGrant } from './link.ts';

const MAX_READS = 4;

/**
 * Resolves with the file of a grant: the matching events in log order, up to the end of the log as it is now. One page
 * is in memory at a time. The stream breaks with POSITION_PURGED when events are removed that it has not read yet.
 */
export type OpenExport = (grant: ExportGrant) => Promise<Readable>;

/** Makes the exports of an instance, of which a few read at a time, each where its viewer may read. */
export function createExports(pool: Pool, readerOf: (grant: ExportGrant) => Queryable): OpenExport {
  const readers = createPageReaders(pool, MAX_READS);
  return async (grant) => {
    const { frontier, firstPosition } = await readHead(pool);
    const range = { start: firstPosition, end: frontier.size };
    return Readable.from(textOf(grant, readers(grant.filters, readerOf(grant)), range), {
      objectMode: false,
    });
  };
}

async function* textOf(
  { format }: ExportGrant,
  read: ReadPage,
  { start, end }: { start: number; end: number },
): AsyncGenerator<string> {
  const writer = WRITERS[format];
  let isFirst = true;
  if (writer.head) yield writer.head;
  for (let position = start; position < end; ) {
    const { events, next } = await read(position, end);
    if (events.length > 0) {
      yield writer.page(events, isFirst);
      isFirst = false;
    }
    position = next;
  }
  if (writer.tail) yield writer.tail;
}
