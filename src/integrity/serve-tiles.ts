import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import { canonicalEvent } from '../events/canonical.ts';
import type { EventFilter } from '../events/filter.ts';
import { readHead } from '../log/head.ts';
import { readPositions } from '../log/read.ts';
import { formatEntries } from '../merkle/entries.ts';
import { TILE_WIDTH, type Tile, tileWidth } from '../merkle/tile.ts';
import type { EntryBundle } from '../merkle/tile-path.ts';
import { positionsOfLeaves } from './leaf-index.ts';
import { tileReader } from './tiles.ts';
import { readTrees, type TreeName } from './trees.ts';

/** The bytes of a tile. Throws NOT_FOUND when the tree has not grown so far. */
export async function readTile(pool: Pool, tree: TreeName, tile: Tile): Promise<Uint8Array> {
  await checkWidth(pool, tree, tile);
  const [bytes] = await tileReader(pool, tree)([tile]);
  return bytes as Uint8Array;
}

/**
 * The canonical bytes of the events beside a tile of level 0, of those that the filters let through.
 * Throws NOT_FOUND when the tree has not grown so far, POSITION_PURGED when retention removed some of them.
 */
export async function readEntries(
  pool: Pool,
  tree: TreeName,
  { bundle, filters }: { bundle: EntryBundle; filters: readonly EventFilter[] },
): Promise<Uint8Array> {
  await checkWidth(pool, tree, { level: 0, ...bundle });
  const positions = await positionsOfLeaves(pool, tree, bundle);
  const events = await readPositions(pool, positions, filters);
  if (events.size < bundle.width) await explainMissing(pool, positions);
  return formatEntries(
    positions.flatMap((position) => {
      const event = events.get(position);
      return event ? [Buffer.from(canonicalEvent(event))] : [];
    }),
  );
}

async function checkWidth(pool: Pool, tree: TreeName, { level, index, width }: Tile): Promise<void> {
  const size = (await readTrees(pool, [tree])).get(tree)?.size ?? 0;
  if (tileWidth(level, index, size) < width) throw new AuditError('NOT_FOUND', 'there is no such tile yet');
}

async function explainMissing(pool: Pool, positions: readonly number[]): Promise<never> {
  const { firstPosition } = await readHead(pool);
  const isPurged = positions.some((position) => position < firstPosition);
  if (isPurged) throw new AuditError('POSITION_PURGED', 'events of this bundle were removed by retention');
  throw new Error(`events of a bundle of ${TILE_WIDTH} are missing from position ${positions[0]} on`);
}
