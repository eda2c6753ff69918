import { expect } from 'vitest';
import { proveConsistency, proveInclusion } from '../../src/merkle/prove.ts';
import { nodesFromTiles, type ReadTiles, type Tile } from '../../src/merkle/tile.ts';
import { emptyFrontier, extendFrontier, rootOf } from '../../src/merkle/tree.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/verify-proof.ts';
import { hex, merkleTreeHash } from '../merkle/reference.ts';

/** A size of a tree for which a root hash was signed. */
export interface SignedSize {
  size: number;
  rootHash: Uint8Array;
}

/** More than so many proofs of a kind are a sample. */
const MAX_PROOFS = 100;

/**
 * Checks a tree of which all leaves are known against what was signed, in rising order of size: all roots, the
 * inclusion of leaves in the last one, and the consistency of each with the next and with the last.
 */
export async function checkTree(
  leaves: readonly Uint8Array[],
  { sizes, readTiles: readAnew }: { sizes: readonly SignedSize[]; readTiles: ReadTiles },
): Promise<void> {
  const readTiles = readingOnce(readAnew);
  checkRoots(leaves, sizes);
  const signed = sizes.filter(({ size }) => size > 0);
  const last = signed.at(-1);
  if (!last) return;
  await checkInclusion(leaves, last, readTiles);
  const pairs = signed.flatMap((from, at) => [
    [from, signed[at + 1] ?? last] as const,
    [from, last] as const,
  ]);
  for (const [from, to] of sampleOf(pairs)) {
    const proof = await proveConsistency(from.size, to.size, nodesFromTiles(to.size, readTiles));
    expect(verifyConsistency({ from, to, proof }), `${from.size} is the beginning of ${to.size}`).toBe(true);
  }
}

/** Reads each tile once for all proofs. */
function readingOnce(readTiles: ReadTiles): ReadTiles {
  const known = new Map<string, Uint8Array>();
  const keyOf = ({ level, index, width }: Tile) => `${level}/${index}/${width}`;
  return async (tiles) => {
    const unknown = tiles.filter((tile) => !known.has(keyOf(tile)));
    const read = unknown.length === 0 ? [] : await readTiles(unknown);
    for (const [at, tile] of unknown.entries()) known.set(keyOf(tile), read[at] as Uint8Array);
    return tiles.map((tile) => known.get(keyOf(tile)) as Uint8Array);
  };
}

function checkRoots(leaves: readonly Uint8Array[], sizes: readonly SignedSize[]): void {
  let frontier = emptyFrontier;
  for (const { size, rootHash } of sizes) {
    expect(size, 'no checkpoint is of more events than there are').toBeLessThanOrEqual(leaves.length);
    frontier = extendFrontier(frontier, leaves.slice(frontier.size, size));
    expect(hex(rootOf(frontier)), `the root hash of ${size} leaves`).toBe(hex(rootHash));
  }
  // The definition of RFC 6962, word for word, is slower: for the last one alone.
  const last = sizes.at(-1);
  if (last) expect(hex(merkleTreeHash(leaves.slice(0, last.size)))).toBe(hex(last.rootHash));
}

async function checkInclusion(
  leaves: readonly Uint8Array[],
  { size, rootHash }: SignedSize,
  readTiles: ReadTiles,
): Promise<void> {
  const indexes = sampleOf(Array.from({ length: size }, (_, index) => index));
  const read = nodesFromTiles(size, readTiles);
  for (const index of indexes) {
    const proof = await proveInclusion(index, size, read);
    const own = leaves[index] as Uint8Array;
    expect(verifyInclusion({ index, size, leafHash: own, rootHash, proof }), `leaf ${index}`).toBe(true);
    const other = leaves[index === 0 ? size - 1 : index - 1] as Uint8Array;
    // Of a single leaf there is no other.
    if (size > 1 && hex(other) !== hex(own))
      expect(verifyInclusion({ index, size, leafHash: other, rootHash, proof })).toBe(false);
  }
}

/** All, or as many as there may be: the first, the last, and evenly spread ones between them. */
function sampleOf<T>(all: readonly T[]): readonly T[] {
  if (all.length <= MAX_PROOFS) return all;
  const step = (all.length - 1) / (MAX_PROOFS - 1);
  return Array.from({ length: MAX_PROOFS }, (_, at) => all[Math.round(at * step)] as T);
}
