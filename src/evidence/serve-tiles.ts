import type { Reads } from '../db/queries.ts';
import { AuditError } from '../errors.ts';
import { mapAcrossTurns } from '../event-loop.ts';
import { canonicalEvent } from '../events/canonical.ts';
import type { EventFilter } from '../events/filter.ts';
import { readFirstPosition } from '../log/head.ts';
import { readPositions } from '../log/read/events.ts';
import { type Tile, tileWidth } from '../merkle/tile.ts';
import { type EntryBundle, formatEntries } from '../merkle/tile-files.ts';
import { IntegrityError } from './integrity-alarms.ts';
import type { TreeName } from './tree-names.ts';
import { positionsOfLeaves, readTrees, tileReader } from './trees.ts';

/** The bytes of a tile. Throws NOT_FOUND when the tree has not grown so far. */
export async function readTile(db: Reads, tree: TreeName, tile: Tile): Promise<Uint8Array> {
  await checkWidth(db, tree, tile);
  const [bytes] = await tileReader(db, tree)([tile]);
  return bytes as Uint8Array;
}

/**
 * The canonical bytes of the events of a tile of level 0 that match the filters.
 * Throws NOT_FOUND when the tree has not grown so far, POSITION_PURGED when retention removed some of them, and an
 * IntegrityError when they are missing otherwise.
 */
export async function readEntries(
  db: Reads,
  tree: TreeName,
  { bundle, filters }: { bundle: EntryBundle; filters: readonly EventFilter[] },
): Promise<Uint8Array> {
  await checkWidth(db, tree, { level: 0, ...bundle });
  const positions = await positionsOfLeaves(db, tree, bundle);
  const events = await readPositions(db, positions, filters);
  if (events.size < bundle.width) await explainMissing(db, positions);
  const present = positions.flatMap((position) => events.get(position) ?? []);
  try {
    return formatEntries(await mapAcrossTurns(present, canonicalEvent));
  } catch (error) {
    // A row has no canonical form only when somebody changed it in the database.
    throw new IntegrityError('changed', (error as Error).message, positions[0]);
  }
}

async function checkWidth(db: Reads, tree: TreeName, { level, index, width }: Tile): Promise<void> {
  const size = (await readTrees(db, [tree])).get(tree)?.size ?? 0;
  if (tileWidth(level, index, size) < width) throw new AuditError('NOT_FOUND', 'there is no such tile yet');
}

async function explainMissing(db: Reads, positions: readonly number[]): Promise<never> {
  const firstPosition = await readFirstPosition(db);
  const isPurged = positions.some((position) => position < firstPosition);
  if (isPurged) throw new AuditError('POSITION_PURGED', 'events of this bundle were removed by retention');
  throw new IntegrityError('missing', 'events of the bundle that begins here are missing', positions[0]);
}
