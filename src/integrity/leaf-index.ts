import type { Pool } from '../db/pool.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { decodePositions } from './growth.ts';
import type { TreeName } from './trees.ts';

/** Which leaf of a tree the event at a position is; undefined when it is none (yet). */
export async function leafIndexOf(pool: Pool, tree: TreeName, position: number): Promise<number | undefined> {
  if (tree === 'log') return position;
  const { rows } = await pool.query<{ index: number; positions: Buffer }>(
    `SELECT index, positions FROM tree_tiles WHERE tree = $1 AND first_position <= $2
     ORDER BY first_position DESC LIMIT 1`,
    [tree, position],
  );
  const row = rows[0];
  const offset = row ? decodePositions(row.positions).indexOf(position) : -1;
  return row && offset >= 0 ? row.index * TILE_WIDTH + offset : undefined;
}

/** The positions in the log of the leaves `start` to `start + width`, the last left out, which are in one tile. */
export async function positionsOfLeaves(
  pool: Pool,
  tree: TreeName,
  { index, width }: { index: number; width: number },
): Promise<number[]> {
  const start = index * TILE_WIDTH;
  if (tree === 'log') return Array.from({ length: width }, (_, offset) => start + offset);
  const { rows } = await pool.query<{ positions: Buffer }>(
    'SELECT positions FROM tree_tiles WHERE tree = $1 AND level = 0 AND index = $2',
    [tree, index],
  );
  return rows[0] ? decodePositions(rows[0].positions).slice(0, width) : [];
}
