import { HASH_BYTES, nodeHash } from './hash.ts';
import type { NodeId, ReadNodes } from './prove.ts';

/** Levels of the tree that a tile spans, and how many hashes a full one has (C2SP tlog-tiles). */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;

/**
 * A tile: `width` consecutive nodes of the tree's level `8 * level`, from node `index * 256` on. Level 0 holds leaf
 * hashes. See https://c2sp.org/tlog-tiles.
 */
export interface Tile {
  /** 0 to 63. */
  readonly level: number;
  readonly index: number;
  /** 1 to 256; below 256 the tile is partial. */
  readonly width: number;
}

/** Reads the bytes of tiles, 32 for each of their hashes, in the order asked for. */
export type ReadTiles = (tiles: readonly Tile[]) => Promise<readonly Uint8Array[]>;

/** How many hashes the tree of `size` leaves has at a tile level: floor(size / 256^level). */
function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** How wide this tile is in the tree of `size` leaves: 0 when the tree has none of its hashes, at most 256. */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.min(TILE_WIDTH, Math.max(0, hashesAt(level, size) - index * TILE_WIDTH));
}

/**
 * The tiles that become full while the tree grows from `from` to `to` leaves, level 0 first and in order within a
 * level. `fullTilesBetween(0, size)` are all full tiles of a tree. A generator, for there may be many.
 */
export function* fullTilesBetween(from: number, to: number): Generator<Tile> {
  for (let level = 0; hashesAt(level + 1, to) > 0; level++) {
    const end = hashesAt(level + 1, to);
    for (let index = hashesAt(level + 1, from); index < end; index++)
      yield { level, index, width: TILE_WIDTH };
  }
}

/** The partial tiles at the right edge of the tree of `size` leaves, level 0 first; at most one for each level. */
export function partialTiles(size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const index = hashesAt(level + 1, size);
    const width = tileWidth(level, index, size);
    if (width > 0) tiles.push({ level, index, width });
  }
  return tiles;
}

/** The tree's nodes that a tile holds, in the order of its bytes. */
export function nodesInTile({ level, index, width }: Tile): NodeId[] {
  const start = index * TILE_WIDTH;
  return Array.from({ length: width }, (_, offset) => ({
    level: level * TILE_HEIGHT,
    index: start + offset,
  }));
}

/** The hashes `start` to `start + count`, the last left out, of a tile's bytes. */
function hashesOf(bytes: Uint8Array, start: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, offset) => {
    const from = (start + offset) * HASH_BYTES;
    return bytes.slice(from, from + HASH_BYTES);
  });
}

/** The root of a complete subtree from the hashes of its 2^n leaves. */
function foldComplete(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, pair) =>
      nodeHash(below[2 * pair] as Uint8Array, below[2 * pair + 1] as Uint8Array),
    );
  }
  return row[0] as Uint8Array;
}

/** The hash that a full tile contributes to the level above. Throws a RangeError when `bytes` are not 8,192. */
export function rootOfTile(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== TILE_WIDTH * HASH_BYTES)
    throw new RangeError('a full tile has 256 hashes of 32 bytes');
  return foldComplete(hashesOf(bytes, 0, TILE_WIDTH));
}

/** The hashes of a tile whose root is the hash of a node: `count` of them, from `start` on. */
interface TileSlice {
  readonly tile: Tile;
  readonly start: number;
  readonly count: number;
}

/** Finds a node in the tiles of the tree of `size` leaves. Throws a RangeError when the tree does not have it. */
function locate({ level, index }: NodeId, size: number): TileSlice {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  const tileIndex = Math.floor(first / TILE_WIDTH);
  const start = first - tileIndex * TILE_WIDTH;
  const width = tileWidth(tileLevel, tileIndex, size);
  if (start + count > width) throw new RangeError('the tree has no such complete node');
  return { tile: { level: tileLevel, index: tileIndex, width }, start, count };
}

function keyOf({ level, index }: Tile): string {
  return `${level}/${index}`;
}

/** The tiles of the tree of `size` leaves that hold the nodes, each once. */
export function tilesOfNodes(nodes: readonly NodeId[], size: number): Tile[] {
  const tiles = nodes.map((node) => locate(node, size).tile);
  return [...new Map(tiles.map((tile) => [keyOf(tile), tile])).values()];
}

/**
 * Reads nodes out of the tiles of the tree of `size` leaves, as `proveInclusion` and `proveConsistency` want them.
 * The tiles are not verified. Verify the resulting proof against a trusted root hash.
 * Throws a RangeError when a tile is not as long as it must be at this size.
 */
export function nodesFromTiles(size: number, readTiles: ReadTiles): ReadNodes {
  return async (nodes) => {
    const tiles = tilesOfNodes(nodes, size);
    const contents = await readTiles(tiles);
    const bytesOf = new Map(tiles.map((tile, at) => [keyOf(tile), contents[at]]));
    return nodes.map((node) => {
      const { tile, start, count } = locate(node, size);
      const bytes = bytesOf.get(keyOf(tile));
      if (bytes?.length !== tile.width * HASH_BYTES) throw new RangeError('a tile does not have its length');
      return foldComplete(hashesOf(bytes, start, count));
    });
  };
}
