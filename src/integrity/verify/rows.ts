import type { PoolClient } from 'pg';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import { CHECKED_COLUMNS, type CheckedRow, checkRow, type StoredRow } from './row.ts';

/** Events that are read at once: a whole number of tiles. */
const PAGE = 8 * TILE_WIDTH;

/** The checked rows from position `start` to `end`, the last left out, in order. */
export type ReadRows = (start: number, end: number) => Promise<CheckedRow[]>;

/** The rows beside one tile of level 0, in order; of a log that was tampered with, a position may occur twice. */
export interface RowBlock {
  index: number;
  rows: CheckedRow[];
}

/** Reads and checks rows in this thread. */
export function rowReader(client: PoolClient): ReadRows {
  const text = `SELECT ${CHECKED_COLUMNS} FROM audit_events WHERE position >= $1 AND position < $2
    ORDER BY audit_events.position`;
  return async (start, end) => {
    const { rows } = await client.query<StoredRow>(text, [start, end]);
    return rows.map(checkRow);
  };
}

/**
 * All rows of the log by blocks, those at positions that it cannot have too. `ahead` pages are read before they are
 * asked for. Where there is a gap, it is jumped over.
 */
export async function* readBlocks(
  client: PoolClient,
  read: ReadRows,
  ahead: number,
): AsyncGenerator<RowBlock, void> {
  let at = await nextPage(client, Number.MIN_SAFE_INTEGER);
  const pages: Promise<CheckedRow[]>[] = [];
  while (at !== undefined) {
    while (pages.length <= ahead) pages.push(readQuietly(read, at + pages.length * PAGE));
    const rows: CheckedRow[] = (await pages.shift()) ?? [];
    if (rows.length > 0) {
      yield* blocksOf(rows);
      at += PAGE;
    } else {
      pages.length = 0;
      at = await nextPage(client, at);
    }
  }
}

// A page that nobody waits for any more, because another failed first, must not end the process.
function readQuietly(read: ReadRows, start: number): Promise<CheckedRow[]> {
  const page = read(start, start + PAGE);
  page.catch(() => undefined);
  return page;
}

async function nextPage(client: PoolClient, start: number): Promise<number | undefined> {
  const { rows } = await client.query<{ position: number | null }>(
    'SELECT min(position) AS position FROM audit_events WHERE position >= $1',
    [start],
  );
  const position = rows[0]?.position ?? undefined;
  return position === undefined ? undefined : Math.floor(position / TILE_WIDTH) * TILE_WIDTH;
}

function blocksOf(rows: readonly CheckedRow[]): RowBlock[] {
  const blocks: RowBlock[] = [];
  for (const row of rows) {
    const index = Math.floor(row.position / TILE_WIDTH);
    const last = blocks.at(-1);
    if (last?.index === index) last.rows.push(row);
    else blocks.push({ index, rows: [row] });
  }
  return blocks;
}
