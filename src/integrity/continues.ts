import type { Reads } from '../db/queryable.ts';
import { proveConsistency } from '../merkle/proof.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import { verifyConsistency } from '../merkle/verify.ts';
import { tileReader } from './tiles.ts';
import type { TreeName } from './trees.ts';

/** A tree at one size. */
export interface TreeState {
  size: number;
  rootHash: Uint8Array;
}

/** Whether the tree `to` begins with the tree `from`, which is no larger, going by the stored tiles. */
export async function continues(
  db: Reads,
  tree: TreeName,
  { from, to }: { from: TreeState; to: TreeState },
): Promise<boolean> {
  // Every tree begins with the empty one, of which nothing can be proved.
  if (from.size === 0) return true;
  const proof = await proveConsistency(from.size, to.size, nodesFromTiles(to.size, tileReader(db, tree)));
  return verifyConsistency({ from, to, proof });
}
