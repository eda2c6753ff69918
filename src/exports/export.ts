import { Readable } from 'node:stream';
import type { Pool } from '../db/pool.ts';
import { readHead } from '../log/head.ts';
import { readRange } from '../log/read.ts';
import { WRITERS } from './formats.ts';
import type { ExportGrant } from './link.ts';

const PAGE = 500;

/** The file of a grant, in log order, up to the end of the log as it is now. One page is in memory at a time. */
export function exportStream(pool: Pool, grant: ExportGrant): Readable {
  return Readable.from(exportText(pool, grant), { objectMode: false });
}

async function* exportText(pool: Pool, { format, filters }: ExportGrant): AsyncGenerator<string> {
  const writer = WRITERS[format];
  const { frontier, firstPosition } = await readHead(pool);
  let position = firstPosition;
  let isFirst = true;
  if (writer.head) yield writer.head;
  while (position < frontier.size) {
    const events = await readRange(pool, { start: position, end: frontier.size, limit: PAGE, filters });
    const last = events.at(-1);
    if (!last) break;
    yield writer.page(events, isFirst);
    isFirst = false;
    position = last.position + 1;
  }
  if (writer.tail) yield writer.tail;
}
