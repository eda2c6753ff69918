import { equalHashes, HASH_BYTES } from '../../merkle/hash.ts';
import { emptyFrontier, extendFrontier, serializeFrontier } from '../../merkle/tree.ts';
import type { CheckedRow } from './row.ts';

/** What there is about one position: the row, and the leaf in the tile. */
export interface Slot {
  row: CheckedRow | undefined;
  stored: Uint8Array | undefined;
}

type Leaf = Uint8Array | undefined;

/**
 * Which leaf belongs to each position, when rows and tile do not agree: whichever of them hashes to what the level
 * above says (`proof`: the frontier of the tile's leaves, undefined when that is not known). When neither does, the row,
 * if it is what its own leaf hash says.
 */
export function settle(
  slots: readonly Slot[],
  proof: { width: number; frontier: Buffer } | undefined,
): Leaf[] {
  const believed = slots.map(believe);
  if (!proof || slots.every(agrees)) return believed;
  const candidates = [believed, slots.map(byTile), slots.map(byRow)];
  return candidates.find((leaves) => proves(leaves.slice(0, proof.width), proof.frontier)) ?? believed;
}

/** Whether the row is not in contradiction to the tile. */
export function agrees({ row, stored }: Slot): boolean {
  return !row || !stored || (row.leaf !== undefined && equalHashes(row.leaf, stored));
}

function believe({ row, stored }: Slot): Leaf {
  if (!row) return stored;
  const isItself = row.leaf !== undefined && equalHashes(row.leaf, row.storedLeaf);
  if (isItself || (row.leaf && stored && equalHashes(row.leaf, stored))) return row.leaf;
  return stored ?? (row.storedLeaf.length === HASH_BYTES ? row.storedLeaf : undefined);
}

function byTile(slot: Slot): Leaf {
  return slot.stored ?? believe(slot);
}

function byRow(slot: Slot): Leaf {
  return slot.row?.leaf ?? slot.stored;
}

function proves(leaves: readonly Leaf[], frontier: Buffer): boolean {
  if (leaves.includes(undefined)) return false;
  return equalHashes(serializeFrontier(extendFrontier(emptyFrontier, leaves as Uint8Array[])), frontier);
}
