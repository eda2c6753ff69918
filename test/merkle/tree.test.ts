import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leafHash } from '../../src/merkle/hash.ts';
import {
  emptyFrontier,
  extendFrontier,
  type Frontier,
  frontierLength,
  parseFrontier,
  rootOf,
  serializeFrontier,
} from '../../src/merkle/tree.ts';
import { fromHex, hex, merkleTreeHash, sampleLeaves } from './reference.ts';

/** The leaves of the example tree of Certificate Transparency and its roots at sizes 1 to 8. */
const knownLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const knownRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leafCounts = fc.integer({ min: 0, max: 700 });

function inBatches(leaves: Uint8Array[], cuts: number[]): Frontier {
  const bounds = [0, ...cuts.map((cut) => cut % (leaves.length + 1)).sort((a, b) => a - b), leaves.length];
  let frontier: Frontier = emptyFrontier;
  for (const [index, start] of bounds.slice(0, -1).entries()) {
    frontier = extendFrontier(frontier, leaves.slice(start, bounds[index + 1]));
  }
  return frontier;
}

test('the published roots of the example tree', () => {
  const leaves = knownLeaves.map((leaf) => leafHash(fromHex(leaf)));
  for (const [index, root] of knownRoots.entries()) {
    expect(hex(rootOf(extendFrontier(emptyFrontier, leaves.slice(0, index + 1))))).toBe(root);
  }
});

test('every size up to 300 has the root of the recursive definition', () => {
  const leaves = sampleLeaves(300);
  let frontier: Frontier = emptyFrontier;
  for (const [size, leaf] of leaves.entries()) {
    expect(hex(rootOf(frontier))).toBe(hex(merkleTreeHash(leaves.slice(0, size))));
    frontier = extendFrontier(frontier, [leaf]);
  }
});

test('any split into batches gives the root of the recursive definition', () => {
  fc.assert(
    fc.property(leafCounts, fc.array(fc.nat(), { maxLength: 20 }), (count, cuts) => {
      const leaves = sampleLeaves(count, count);
      const frontier = inBatches(leaves, cuts);
      expect(frontier.size).toBe(count);
      expect(hex(rootOf(frontier))).toBe(hex(merkleTreeHash(leaves)));
    }),
  );
});

test('a frontier survives its bytes, and is not changed by what is appended to it', () => {
  fc.assert(
    fc.property(leafCounts, fc.nat({ max: 40 }), (count, more) => {
      const frontier = extendFrontier(emptyFrontier, sampleLeaves(count));
      const bytes = serializeFrontier(frontier);
      extendFrontier(frontier, sampleLeaves(more, 1));
      const parsed = parseFrontier(count, bytes);
      expect(bytes.length).toBe(32 * frontierLength(count));
      expect(parsed.hashes.map(hex)).toEqual(frontier.hashes.map(hex));
      expect(hex(rootOf(extendFrontier(parsed, sampleLeaves(more, 1))))).toBe(
        hex(merkleTreeHash([...sampleLeaves(count), ...sampleLeaves(more, 1)])),
      );
    }),
  );
});

test('each completed node is told once, children first, with the hash of its leaves', () => {
  const leaves = sampleLeaves(100);
  const seen = new Map<string, string>();
  const start = extendFrontier(emptyFrontier, leaves.slice(0, 37));
  extendFrontier(start, leaves.slice(37), (level, index, hash) => {
    expect(seen.has(`${level}/${index}`)).toBe(false);
    seen.set(`${level}/${index}`, hex(hash));
    const width = 2 ** level;
    expect(hex(hash)).toBe(hex(merkleTreeHash(leaves.slice(index * width, (index + 1) * width))));
  });
  let expected = 0;
  for (let width = 1; width <= 64; width *= 2) expected += Math.floor(100 / width) - Math.floor(37 / width);
  expect(seen.size).toBe(expected);
});

test('a tree of 2^53 - 1 leaves is the last one', () => {
  const hashes = sampleLeaves(53);
  const frontier = { size: Number.MAX_SAFE_INTEGER - 1, hashes: hashes.slice(1) };
  const last = extendFrontier(frontier, hashes.slice(0, 1));
  expect(last.hashes.length).toBe(53);
  expect(() => extendFrontier(last, hashes.slice(0, 1))).toThrow(RangeError);
});

test('a frontier that does not belong to its size is refused', () => {
  const [hash] = sampleLeaves(1) as [Uint8Array];
  expect(() => rootOf({ size: 3, hashes: [hash] })).toThrow(RangeError);
  expect(() => rootOf({ size: -1, hashes: [] })).toThrow(RangeError);
  expect(() => rootOf({ size: 0.5, hashes: [hash] })).toThrow(RangeError);
  expect(() => rootOf({ size: 2 ** 53, hashes: [hash] })).toThrow(RangeError);
  expect(() => parseFrontier(1, new Uint8Array(33))).toThrow(RangeError);
  expect(() => parseFrontier(1, new Uint8Array(64))).toThrow(RangeError);
  expect(() => extendFrontier(emptyFrontier, [hash.subarray(1)])).toThrow(RangeError);
});
