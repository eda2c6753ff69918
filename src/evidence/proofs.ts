import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { AuditError, badInput } from '../errors.ts';
import { canonicalEvent } from '../events/canonical.ts';
import type { AuditEvent } from '../events/fields.ts';
import { formatBundle } from '../merkle/proof-bundle.ts';
import {
  inclusionNodes,
  type NodeId,
  proveConsistency,
  proveInclusion,
  type ReadNodes,
} from '../merkle/prove.ts';
import { nodesFromTiles, type ReadTiles, tilesOfNodes } from '../merkle/tile.ts';
import { readCheckpointAt, readCosignedCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import type { TreeName } from './tree-names.ts';
import { leafIndexesOf, readTrees, tileReader } from './trees.ts';
import { MAX_WITNESSES } from './witness-protocol.ts';

/** Proves that an event is the leaf `leafIndex` of a tree (RFC 9162, 2.1.3). */
export interface InclusionProof {
  leafIndex: number;
  treeSize: number;
  /** From the leaf's sibling to the root's child. */
  hashes: Uint8Array[];
}

/** Proves that the tree of `from` leaves is the beginning of the tree of `to` leaves (RFC 9162, 2.1.4). */
export interface ConsistencyProof {
  from: number;
  to: number;
  hashes: Uint8Array[];
}

/**
 * The inclusion proof of the event at each position in the tree of `treeSize` leaves, or the error for that event.
 * Throws BAD_USER_INPUT when the tree never had that size.
 */
export async function proveEvents(
  db: Reads,
  tree: TreeName,
  { positions, treeSize }: { positions: readonly number[]; treeSize: number },
): Promise<(InclusionProof | AuditError)[]> {
  await checkSize(db, tree, treeSize, 'treeSize');
  const indexes = await leafIndexesOf(db, tree, positions);
  const isIn = (index: number | undefined) => index !== undefined && index < treeSize;
  const read = await prefetchNodes(
    treeSize,
    tileReader(db, tree),
    [...indexes.values()].filter(isIn).flatMap((index) => inclusionNodes(index, treeSize)),
  );
  return Promise.all(
    positions.map(async (position) => {
      const leafIndex = indexes.get(position);
      if (leafIndex === undefined || leafIndex >= treeSize)
        return badInput('treeSize', 'is that of a tree before this event');
      return { leafIndex, treeSize, hashes: await proveInclusion(leafIndex, treeSize, read) };
    }),
  );
}

/** Reads every tile of the nodes once, in one query; the result answers from memory. */
async function prefetchNodes(
  size: number,
  readTiles: ReadTiles,
  nodes: readonly NodeId[],
): Promise<ReadNodes> {
  const tiles = tilesOfNodes(nodes, size);
  const contents = await readTiles(tiles);
  const bytesOf = new Map(
    tiles.map(({ level, index }, at) => [`${level}/${index}`, contents[at] as Uint8Array]),
  );
  return nodesFromTiles(size, async (wanted) =>
    wanted.map(({ level, index }) => bytesOf.get(`${level}/${index}`) as Uint8Array),
  );
}

/** Proves that a tree only grew. Throws BAD_USER_INPUT when it never had one of the sizes. */
export async function proveTreeConsistency(
  db: Reads,
  tree: TreeName,
  { from, to }: { from: number; to: number },
): Promise<ConsistencyProof> {
  if (from < 1) throw badInput('from', 'must be at least 1: every tree begins with the empty one');
  if (from > to) throw badInput('from', 'must not be larger than to');
  await checkSize(db, tree, to, 'to');
  const read = nodesFromTiles(to, tileReader(db, tree));
  return { from, to, hashes: await proveConsistency(from, to, read) };
}

/** An event's proof bundle (C2SP tlog-proof), with the event's canonical bytes as extra data. */
export function proofBundleOf(
  event: AuditEvent,
  proof: InclusionProof,
  checkpoint: StoredCheckpoint,
): string {
  const extra = canonicalEvent(event);
  return formatBundle({ index: proof.leafIndex, proof: proof.hashes, checkpoint: checkpoint.note, extra });
}

/** The checkpoint of that size. Throws NOT_FOUND when none was signed. */
export async function findCheckpoint(db: Reads, tree: TreeName, treeSize: number): Promise<StoredCheckpoint> {
  const found = await readCheckpointAt(db, tree, treeSize);
  if (!found) throw new AuditError('NOT_FOUND', 'no checkpoint of this size was signed', 'treeSize');
  return found;
}

async function checkSize(db: Reads, tree: TreeName, size: number, path: string): Promise<void> {
  const grown = (await readTrees(db, [tree])).get(tree)?.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 1 || size > grown)
    throw badInput(path, `must be from 1 to the size of the tree, ${grown} now`);
}

/**
 * The last checkpoint that at least `minWitnesses` witnesses have cosigned. Throws BAD_USER_INPUT for an impossible number
 * and for a customer's tree, which witnesses do not see; NOT_FOUND when there is no such checkpoint.
 */
export async function findCosignedCheckpoint(
  pool: Pool,
  tree: TreeName,
  minWitnesses: number,
): Promise<StoredCheckpoint> {
  if (!Number.isInteger(minWitnesses) || minWitnesses < 1 || minWitnesses > MAX_WITNESSES)
    throw badInput('minWitnesses', `must be from 0 to ${MAX_WITNESSES}`);
  if (tree !== 'log') throw badInput('minWitnesses', "must be 0: witnesses cosign the log's own tree only");
  const found = await readCosignedCheckpoint(prismaOn(pool), minWitnesses);
  if (!found) throw new AuditError('NOT_FOUND', 'no checkpoint has so many witnesses yet', 'minWitnesses');
  return found;
}
