import { equalHashes } from '../merkle/hash.ts';
import type { ReadTiles } from '../merkle/tile.ts';
import { verifyConsistency } from '../merkle/verify-proof.ts';
import type { Finding } from './findings.ts';
import { LogFileError } from './log-files.ts';
import type { SavedCheckpoint } from './trust.ts';
import { TileError, TrustedTiles } from './trusted-tiles.ts';

/** Evidence that one tree continues another: a consistency proof, or the tiles of the tree. */
export interface ConsistencyEvidence {
  proof?: readonly Uint8Array[] | undefined;
  tiles?: ReadTiles | undefined;
}

/**
 * Compares two checkpoints of one tree. Returns an empty list when the larger continues the smaller, else the findings;
 * undefined when their sizes differ and there is no evidence. Throws the errors of reading the tiles.
 */
export async function compareCheckpoints(
  one: SavedCheckpoint,
  other: SavedCheckpoint,
  { proof, tiles }: ConsistencyEvidence,
): Promise<Finding[] | undefined> {
  const [from, to] = [one, other].sort((a, b) => a.checkpoint.treeSize - b.checkpoint.treeSize);
  if (!from || !to) return undefined;
  const [size, later] = [from.checkpoint.treeSize, to.checkpoint.treeSize];
  const isSame = equalHashes(from.checkpoint.rootHash, to.checkpoint.rootHash);
  if (size === later)
    return isSame ? [] : [fork(from, `${from.name} and ${to.name} are of one size and differ`)];
  if (size === 0) return [];
  if (proof)
    return isProved(from, to, proof)
      ? []
      : [fork(from, 'the proof does not hold: it is of other trees, or the log was rewritten')];
  if (!tiles) return undefined;
  const trusted = new TrustedTiles(tiles, { size: later, rootHash: to.checkpoint.rootHash });
  try {
    const isBeginning = equalHashes(await trusted.rootAt(size), from.checkpoint.rootHash);
    return isBeginning
      ? []
      : [fork(from, `the log of ${to.name} does not begin with the ${size} events of ${from.name}`)];
  } catch (error) {
    const isMissing = error instanceof LogFileError && error.status === 404;
    if (!(error instanceof TileError || isMissing)) throw error;
    return [{ kind: 'tile', message: `${error.message} (${to.name})`, tree: to.tree }];
  }
}

function isProved(from: SavedCheckpoint, to: SavedCheckpoint, proof: readonly Uint8Array[]): boolean {
  const side = ({ checkpoint }: SavedCheckpoint) => ({
    size: checkpoint.treeSize,
    rootHash: checkpoint.rootHash,
  });
  return verifyConsistency({ from: side(from), to: side(to), proof });
}

function fork({ tree, checkpoint }: SavedCheckpoint, message: string): Finding {
  return { kind: 'checkpoint', message, tree, treeSize: checkpoint.treeSize };
}
