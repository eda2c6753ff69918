import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  consistencyNodes,
  frontierNodes,
  inclusionNodes,
  proveConsistency,
  proveInclusion,
  readFrontier,
  readRoot,
} from '../../src/merkle/prove.ts';
import { emptyFrontier, extendFrontier, rootOf } from '../../src/merkle/tree.ts';
import { hex, merkleTreeHash, sampleLeaves, splitPoint } from './reference.ts';
import { nodesOf } from './stored-tree.ts';

/** PATH(m, D[n]), word for word from RFC 6962, section 2.1.1. */
function path(m: number, leaves: Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = splitPoint(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m < k ? [...path(m, left), merkleTreeHash(right)] : [...path(m - k, right), merkleTreeHash(left)];
}

/** SUBPROOF(m, D[n], b), word for word from RFC 6962, section 2.1.2. */
function subproof(m: number, leaves: Uint8Array[], isWhole: boolean): Uint8Array[] {
  if (m === leaves.length) return isWhole ? [] : [merkleTreeHash(leaves)];
  const k = splitPoint(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  if (m <= k) return [...subproof(m, left, isWhole), merkleTreeHash(right)];
  return [...subproof(m - k, right, false), merkleTreeHash(left)];
}

const sizes = fc.integer({ min: 1, max: 300 });

test('proofs are those of the recursive definitions', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (size, pick) => {
      const leaves = sampleLeaves(size);
      const read = nodesOf(leaves);
      const index = pick % size;
      const inclusion = await proveInclusion(index, size, read);
      expect(inclusion.map(hex)).toEqual(path(index, leaves).map(hex));
      const consistency = await proveConsistency(index + 1, size, read);
      expect(consistency.map(hex)).toEqual(subproof(index + 1, leaves, true).map(hex));
    }),
  );
});

test('the frontier and root of every earlier size can be read back', async () => {
  const leaves = sampleLeaves(130);
  const read = nodesOf(leaves);
  for (let size = 0; size <= leaves.length; size++) {
    const expected = extendFrontier(emptyFrontier, leaves.slice(0, size));
    expect((await readFrontier(size, read)).hashes.map(hex)).toEqual(expected.hashes.map(hex));
    expect(hex(await readRoot(size, read))).toBe(hex(rootOf(expected)));
  }
});

test('a proof reads once, and what it says it will', async () => {
  const read = nodesOf(sampleLeaves(200));
  const asked: unknown[] = [];
  await proveInclusion(77, 200, (nodes) => {
    asked.push(nodes);
    return read(nodes);
  });
  expect(asked).toEqual([inclusionNodes(77, 200)]);
  asked.length = 0;
  await proveConsistency(77, 200, (nodes) => {
    asked.push(nodes);
    return read(nodes);
  });
  expect(asked).toEqual([consistencyNodes(77, 200)]);
});

test('the nodes of the largest tree are few and within it', () => {
  const size = Number.MAX_SAFE_INTEGER;
  for (const nodes of [
    inclusionNodes(size - 1, size),
    inclusionNodes(0, size),
    consistencyNodes(2 ** 52 + 1, size),
    frontierNodes(size),
  ]) {
    expect(nodes.length).toBeLessThan(53 * 53);
    for (const { level, index } of nodes) {
      expect((index + 1) * 2 ** level).toBeLessThanOrEqual(size);
      expect(Number.isSafeInteger(index)).toBe(true);
    }
  }
});

test('what is out of range is refused', async () => {
  const read = nodesOf(sampleLeaves(5));
  for (const [index, size] of [
    [5, 5],
    [-1, 5],
    [0, 0],
    [0.5, 5],
    [0, 2 ** 53],
  ] as const) {
    await expect(proveInclusion(index, size, read)).rejects.toThrow(RangeError);
  }
  for (const [from, to] of [
    [0, 5],
    [0, 0],
    [5, 4],
    [-1, 5],
    [1.5, 5],
    [1, 2 ** 53],
  ] as const) {
    await expect(proveConsistency(from, to, read)).rejects.toThrow(RangeError);
  }
  expect(() => frontierNodes(-1)).toThrow(RangeError);
});

test('a reader that gives too little is refused', async () => {
  await expect(proveInclusion(0, 5, async () => [])).rejects.toThrow(RangeError);
  await expect(proveInclusion(0, 2, async () => [new Uint8Array(31)])).rejects.toThrow(RangeError);
});
