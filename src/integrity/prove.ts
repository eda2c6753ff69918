import type { Pool } from '../db/pool.ts';
import { AuditError, badInput } from '../errors.ts';
import { canonicalEvent } from '../events/canonical.ts';
import type { AuditEvent } from '../events/event.ts';
import { formatBundle } from '../merkle/bundle.ts';
import { proveConsistency, proveInclusion } from '../merkle/proof.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import { readCheckpointAt, type StoredCheckpoint } from './checkpoints.ts';
import { leafIndexOf } from './leaf-index.ts';
import { tileReader } from './tiles.ts';
import { readTrees, type TreeName } from './trees.ts';

/** That an event is the leaf `leafIndex` of a tree (RFC 9162, 2.1.3). */
export interface InclusionProof {
  leafIndex: number;
  treeSize: number;
  /** From the leaf's sibling to the root's child. */
  hashes: Uint8Array[];
}

/** That the tree of `from` leaves is the beginning of that of `to` leaves (RFC 9162, 2.1.4). */
export interface ConsistencyProof {
  from: number;
  to: number;
  hashes: Uint8Array[];
}

/**
 * Proves that the event is in the tree of `treeSize` leaves.
 * Throws BAD_USER_INPUT when the tree never had that size or the event is not among its leaves.
 */
export async function proveEvent(
  pool: Pool,
  tree: TreeName,
  { position, treeSize }: { position: number; treeSize: number },
): Promise<InclusionProof> {
  await checkSize(pool, tree, treeSize, 'treeSize');
  const leafIndex = await leafIndexOf(pool, tree, position);
  if (leafIndex === undefined || leafIndex >= treeSize)
    throw badInput('treeSize', 'is that of a tree before this event');
  const read = nodesFromTiles(treeSize, tileReader(pool, tree));
  return { leafIndex, treeSize, hashes: await proveInclusion(leafIndex, treeSize, read) };
}

/** Proves that a tree grew by nothing but new leaves. Throws BAD_USER_INPUT when it never had one of the sizes. */
export async function proveGrowth(
  pool: Pool,
  tree: TreeName,
  { from, to }: { from: number; to: number },
): Promise<ConsistencyProof> {
  if (from < 1) throw badInput('from', 'must be at least 1: every tree begins with the empty one');
  if (from > to) throw badInput('from', 'must not be larger than to');
  await checkSize(pool, tree, to, 'to');
  const read = nodesFromTiles(to, tileReader(pool, tree));
  return { from, to, hashes: await proveConsistency(from, to, read) };
}

/** The event's proof as a self-contained file (C2SP tlog-proof), with its canonical bytes as extra data. */
export async function bundleOf(
  pool: Pool,
  tree: TreeName,
  { event, checkpoint }: { event: AuditEvent; checkpoint: StoredCheckpoint },
): Promise<string> {
  const { position } = event;
  const { leafIndex, hashes } = await proveEvent(pool, tree, { position, treeSize: checkpoint.treeSize });
  const extra = Buffer.from(canonicalEvent(event));
  return formatBundle({ index: leafIndex, proof: hashes, checkpoint: checkpoint.note, extra });
}

/** The checkpoint of that size. Throws NOT_FOUND when none was signed. */
export async function findCheckpoint(
  pool: Pool,
  tree: TreeName,
  treeSize: number,
): Promise<StoredCheckpoint> {
  const found = await readCheckpointAt(pool, tree, treeSize);
  if (!found) throw new AuditError('NOT_FOUND', 'no checkpoint of this size was signed', 'treeSize');
  return found;
}

async function checkSize(pool: Pool, tree: TreeName, size: number, path: string): Promise<void> {
  const grown = (await readTrees(pool, [tree])).get(tree)?.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 1 || size > grown)
    throw badInput(path, `must be from 1 to the size of the tree, ${grown} now`);
}
