import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NodeId, proveConsistency, proveInclusion, readRoot } from '../../src/merkle/prove.ts';
import {
  fullTilesBetween,
  nodesFromTiles,
  nodesInTile,
  partialTiles,
  type ReadTiles,
  rootOfTile,
  type Tile,
  tilesOfNodes,
  tileWidth,
} from '../../src/merkle/tile.ts';
import { tilePath } from '../../src/merkle/tile-files.ts';
import { hex, merkleTreeHash, sampleLeaves } from './reference.ts';
import { nodesOf } from './stored-tree.ts';

const allTiles = (size: number): Tile[] => [...fullTilesBetween(0, size), ...partialTiles(size)];

/** The tiles of a tree, as a log would serve them. */
async function tilesOf(leaves: Uint8Array[]): Promise<ReadTiles> {
  const read = nodesOf(leaves);
  const served = new Map<string, Uint8Array>();
  for (const tile of allTiles(leaves.length)) {
    served.set(tilePath(tile), Uint8Array.from(Buffer.concat(await read(nodesInTile(tile)))));
  }
  return async (tiles) =>
    tiles.map((tile) => {
      const bytes = served.get(tilePath(tile));
      if (bytes === undefined) throw new Error(`no tile ${tilePath(tile)}`);
      return bytes;
    });
}

const sizes = fc.oneof(fc.nat({ max: 70_000 }), fc.nat({ max: 2 ** 24 }));

test('the two trees that the specification counts out', () => {
  const tiles = allTiles(70_000);
  const full = (level: number) => tiles.filter((tile) => tile.level === level && tile.width === 256).length;
  expect([full(0), full(1), full(2)]).toEqual([273, 1, 0]);
  expect(partialTiles(70_000)).toEqual([
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  expect(allTiles(256)).toEqual([
    { level: 0, index: 0, width: 256 },
    { level: 1, index: 0, width: 1 },
  ]);
  expect(allTiles(0)).toEqual([]);
});

test('growing in steps fills the same tiles as growing at once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3_000 }), { maxLength: 30 }), (steps) => {
      let size = 0;
      const filled: string[] = [];
      for (const step of steps) {
        for (const tile of fullTilesBetween(size, size + step)) filled.push(tilePath(tile));
        size += step;
      }
      expect(filled.sort()).toEqual([...fullTilesBetween(0, size)].map(tilePath).sort());
    }),
  );
});

test('the partial tile of a level has floor(size / 256^level) mod 256 hashes', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      for (let level = 0; level < 4; level++) {
        const width = Math.floor(size / 256 ** level) % 256;
        const tile = partialTiles(size).find((one) => one.level === level);
        expect(tile?.width ?? 0).toBe(width);
        const index = tile?.index ?? Math.floor(size / 256 ** (level + 1));
        expect(tileWidth(level, index, size)).toBe(width);
        expect(tileWidth(level, index + 1, size)).toBe(0);
      }
    }),
  );
});

test('proofs out of tiles are the proofs of the tree', async () => {
  const leaves = sampleLeaves(70_000);
  const [direct, tiles] = [nodesOf(leaves), await tilesOf(leaves)];
  const fromTiles = nodesFromTiles(leaves.length, tiles);
  expect(hex(await readRoot(leaves.length, fromTiles))).toBe(hex(merkleTreeHash(leaves)));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 69_999 }), fc.integer({ min: 1, max: 70_000 }), async (index, from) => {
      const [own, other] = [
        await proveInclusion(index, 70_000, direct),
        await proveInclusion(index, 70_000, fromTiles),
      ];
      expect(other.map(hex)).toEqual(own.map(hex));
      const proof = await proveConsistency(from, 70_000, fromTiles);
      expect(proof.map(hex)).toEqual((await proveConsistency(from, 70_000, direct)).map(hex));
    }),
    { numRuns: 50 },
  );
});

test('an earlier tree is read from its own, narrower tiles', async () => {
  const leaves = sampleLeaves(700);
  for (const size of [1, 255, 256, 257, 511, 512, 699]) {
    const earlier = leaves.slice(0, size);
    const read = nodesFromTiles(size, await tilesOf(earlier));
    expect(hex(await readRoot(size, read))).toBe(hex(merkleTreeHash(earlier)));
  }
});

test('a full tile hashes into the level above', async () => {
  const leaves = sampleLeaves(256);
  expect(hex(rootOfTile(Uint8Array.from(Buffer.concat(leaves))))).toBe(hex(merkleTreeHash(leaves)));
  expect(() => rootOfTile(new Uint8Array(8_191))).toThrow(RangeError);
});

test('each tile is asked for once', () => {
  const nodes: NodeId[] = [0, 1, 2, 300].map((index) => ({ level: 0, index }));
  expect(tilesOfNodes([...nodes, { level: 3, index: 5 }, { level: 8, index: 0 }], 301)).toEqual([
    { level: 0, index: 0, width: 256 },
    { level: 0, index: 1, width: 45 },
    { level: 1, index: 0, width: 1 },
  ]);
});

test('a node that the tree does not have and a tile of another length are refused', async () => {
  expect(() => tilesOfNodes([{ level: 0, index: 5 }], 5)).toThrow(RangeError);
  expect(() => tilesOfNodes([{ level: 2, index: 1 }], 7)).toThrow(RangeError);
  const read = nodesFromTiles(5, async () => [new Uint8Array(4 * 32)]);
  await expect(read([{ level: 0, index: 0 }])).rejects.toThrow(RangeError);
});
