import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queryable.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { decodePositions } from './tiles.ts';
import type { TreeName } from './trees.ts';

/** Which leaf of a tree the event at each position is; positions that are none of its (yet) are left out. */
export async function leafIndexesOf(
  db: Reads,
  tree: TreeName,
  positions: readonly number[],
): Promise<Map<number, number>> {
  if (tree === 'log') return new Map(positions.map((position) => [position, position]));
  const rows = await db.$queryRaw<{ index: number; positions: Uint8Array }[]>(
    Prisma.sql`SELECT DISTINCT tile.index::float8 AS index, tile.positions
      FROM unnest(${positions}::bigint[]) AS wanted (position)
      CROSS JOIN LATERAL (SELECT index, positions FROM tree_tiles
        WHERE tree = ${tree} AND first_position <= wanted.position ORDER BY first_position DESC LIMIT 1) AS tile`,
  );
  const wanted = new Set(positions);
  return new Map(
    rows.flatMap((tile) =>
      decodePositions(tile.positions).flatMap((position, offset) =>
        wanted.has(position) ? [[position, tile.index * TILE_WIDTH + offset] as const] : [],
      ),
    ),
  );
}

/** The positions in the log of the leaves `start` to `start + width`, the last left out, which are in one tile. */
export async function positionsOfLeaves(
  db: Reads,
  tree: TreeName,
  { index, width }: { index: number; width: number },
): Promise<number[]> {
  const start = index * TILE_WIDTH;
  if (tree === 'log') return Array.from({ length: width }, (_, offset) => start + offset);
  const rows = await db.$queryRaw<{ positions: Uint8Array }[]>(
    Prisma.sql`SELECT positions FROM tree_tiles WHERE tree = ${tree} AND level = 0 AND index = ${index}`,
  );
  return rows[0] ? decodePositions(rows[0].positions).slice(0, width) : [];
}
