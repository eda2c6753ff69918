import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRoot, leafHash } from '../../src/merkle/hash.ts';
import { proveConsistency, proveInclusion } from '../../src/merkle/prove.ts';
import {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from '../../src/merkle/verify-proof.ts';
import {
  atLeast,
  type ConsistencyVector,
  fromBase64,
  type InclusionVector,
  readVectors,
} from './published.ts';
import { merkleTreeHash, sampleLeaves } from './reference.ts';
import { nodesOf } from './stored-tree.ts';

describe('published vectors', () => {
  const inclusion = readVectors<InclusionVector>('inclusion');
  const consistency = readVectors<ConsistencyVector>('consistency');

  test('are there', () => {
    expect(inclusion.length).toBeGreaterThanOrEqual(atLeast);
    expect(consistency.length).toBeGreaterThanOrEqual(atLeast);
  });

  test.each(inclusion)('inclusion $file', (vector) => {
    const claim = {
      index: BigInt(vector.leafIdx),
      size: BigInt(vector.treeSize),
      leafHash: fromBase64(vector.leafHash),
      rootHash: fromBase64(vector.root),
      proof: (vector.proof ?? []).map(fromBase64),
    };
    expect(verifyInclusion(claim)).toBe(!vector.wantErr);
  });

  test.each(consistency)('consistency $file', (vector) => {
    const claim = {
      from: { size: BigInt(vector.size1), rootHash: fromBase64(vector.root1) },
      to: { size: BigInt(vector.size2), rootHash: fromBase64(vector.root2) },
      proof: (vector.proof ?? []).map(fromBase64),
    };
    expect(verifyConsistency(claim)).toBe(!vector.wantErr);
  });
});

const trees = fc.integer({ min: 1, max: 300 }).map((size) => sampleLeaves(size, size));
const flips = fc.record({ byte: fc.nat({ max: 31 }), bit: fc.nat({ max: 7 }) });

function flip(hash: Uint8Array, { byte, bit }: { byte: number; bit: number }): Uint8Array {
  const other = Uint8Array.from(hash);
  other[byte] = (other[byte] as number) ^ (1 << bit);
  return other;
}

/** All the ways to make a proof wrong: one hash changed, left out, doubled, put in, or two neighbours swapped. */
function mutations(proof: Uint8Array[], at: number, how: { byte: number; bit: number }): Uint8Array[][] {
  const [noise] = sampleLeaves(1, 77) as [Uint8Array];
  const inserted = proof.toSpliced(at, 0, noise);
  const target = proof[at];
  if (target === undefined) return [inserted];
  const changed = proof.with(at, flip(target, how));
  const next = proof[at + 1];
  const swapped = next === undefined ? [] : [proof.with(at, next).with(at + 1, target)];
  const cut = proof.with(at, target.subarray(0, 31));
  return [inserted, changed, cut, proof.toSpliced(at, 1), proof.toSpliced(at, 0, target), ...swapped];
}

describe('inclusion', () => {
  async function claimFor(leaves: Uint8Array[], index: number): Promise<InclusionClaim> {
    const proof = await proveInclusion(index, leaves.length, nodesOf(leaves));
    const leafHash = leaves[index] as Uint8Array;
    return { index, size: leaves.length, leafHash, rootHash: merkleTreeHash(leaves), proof };
  }

  test('every leaf of every tree up to 40 leaves is proved', async () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = sampleLeaves(size);
      for (let index = 0; index < size; index++) {
        expect(verifyInclusion(await claimFor(leaves, index))).toBe(true);
      }
    }
  });

  test('no altered proof, leaf, root, index or size is accepted', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), fc.nat(), flips, async (leaves, pick, place, how) => {
        const claim = await claimFor(leaves, pick % leaves.length);
        expect(verifyInclusion(claim)).toBe(true);
        const { leafHash, rootHash, index, proof } = claim;
        for (const wrong of mutations([...proof], place % (proof.length + 1), how)) {
          expect(verifyInclusion({ ...claim, proof: wrong })).toBe(false);
        }
        expect(verifyInclusion({ ...claim, leafHash: flip(leafHash, how) })).toBe(false);
        expect(verifyInclusion({ ...claim, rootHash: flip(rootHash, how) })).toBe(false);
        for (let other = 0; other < leaves.length + 3; other++) {
          if (other !== index) expect(verifyInclusion({ ...claim, index: other })).toBe(false);
        }
      }),
    );
  });

  test('a size that gives the proof another shape is refused', async () => {
    const leaves = sampleLeaves(100);
    const claim = await claimFor(leaves, 99);
    for (const size of [0, 1, 64, 98, 99, 129, 200, 1_000]) {
      expect(verifyInclusion({ ...claim, size })).toBe(false);
    }
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n])('the count %s is refused', async (count) => {
    const claim = await claimFor(sampleLeaves(5), 0);
    expect(verifyInclusion({ ...claim, size: count })).toBe(false);
    expect(verifyInclusion({ ...claim, index: count })).toBe(false);
  });
});

describe('consistency', () => {
  async function claimFor(leaves: Uint8Array[], size: number): Promise<ConsistencyClaim> {
    return {
      from: { size, rootHash: merkleTreeHash(leaves.slice(0, size)) },
      to: { size: leaves.length, rootHash: merkleTreeHash(leaves) },
      proof: await proveConsistency(size, leaves.length, nodesOf(leaves)),
    };
  }

  test('every pair of sizes up to 40 is proved', async () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = sampleLeaves(size);
      for (let from = 1; from <= size; from++) {
        expect(verifyConsistency(await claimFor(leaves, from))).toBe(true);
      }
    }
  });

  test('no altered proof, root or size is accepted', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), fc.nat(), flips, async (leaves, pick, place, how) => {
        const claim = await claimFor(leaves, 1 + (pick % leaves.length));
        expect(verifyConsistency(claim)).toBe(true);
        const { from, to, proof } = claim;
        for (const wrong of mutations([...proof], place % (proof.length + 1), how)) {
          expect(verifyConsistency({ ...claim, proof: wrong })).toBe(false);
        }
        const oldRoot = { ...from, rootHash: flip(from.rootHash, how) };
        expect(verifyConsistency({ ...claim, from: oldRoot })).toBe(false);
        const newRoot = { ...to, rootHash: flip(to.rootHash, how) };
        expect(verifyConsistency({ ...claim, to: newRoot })).toBe(false);
      }),
    );
  });

  test('a tree that is not the beginning of the other has no proof', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), fc.nat(), async (leaves, pick, at) => {
        const size = 1 + (pick % leaves.length);
        const { from, proof } = await claimFor(leaves, size);
        const edited = leaves.with(at % size, leafHash(new TextEncoder().encode('none of the samples')));
        const to = { size: leaves.length, rootHash: merkleTreeHash(edited) };
        const own = await proveConsistency(size, leaves.length, nodesOf(edited));
        expect(verifyConsistency({ from, to, proof })).toBe(false);
        expect(verifyConsistency({ from, to, proof: own })).toBe(false);
      }),
    );
  });

  test('nothing is proved from size 0', () => {
    const empty = { size: 0, rootHash: emptyRoot() };
    expect(verifyConsistency({ from: empty, to: empty, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: empty, to: { size: 1, rootHash: emptyRoot() }, proof: [] })).toBe(false);
  });
});
