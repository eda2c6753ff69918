import { equalHashes, HASH_BYTES } from '../../../merkle/hash.ts';
import { readRoot } from '../../../merkle/proof.ts';
import {
  nodesFromTiles,
  partialTiles,
  type ReadTiles,
  rootOfTile,
  TILE_WIDTH,
  tileWidth,
} from '../../../merkle/tile.ts';

/** A tile that is not what the root hash says. */
export class TileError extends Error {
  override readonly name = 'TileError';
}

/** The root hash of a tree, which is trusted. */
export interface TrustedRoot {
  size: number;
  rootHash: Uint8Array;
}

/**
 * Tiles from somebody who need not be trusted: each is held against the tile above it, and those at the right edge of
 * the tree against the root hash. So what comes out is part of the tree that was signed.
 */
export class TrustedTiles {
  readonly root: TrustedRoot;
  readonly #readTiles: ReadTiles;
  #edge: Promise<Map<number, Uint8Array>> | undefined;
  /** The last tile of each level above the leaves, for the next one below it. */
  readonly #last = new Map<number, { index: number; bytes: Promise<Uint8Array> }>();

  constructor(readTiles: ReadTiles, root: TrustedRoot) {
    this.#readTiles = readTiles;
    this.root = root;
  }

  /** The hashes of a tile, as wide as it is at this size. Throws a TileError, and what reading throws. */
  async read(level: number, index: number): Promise<Uint8Array> {
    const width = tileWidth(level, index, this.root.size);
    if (width === 0) throw new RangeError('the tree has no such tile');
    this.#edge ??= this.#readEdge();
    const edge = await this.#edge;
    if (width < TILE_WIDTH) return edge.get(level) as Uint8Array;
    const last = this.#last.get(level);
    if (last?.index === index) return last.bytes;
    const bytes = this.#readFull(level, index);
    if (level > 0) this.#last.set(level, { index, bytes });
    return bytes;
  }

  async #readFull(level: number, index: number): Promise<Uint8Array> {
    const [bytes] = await this.#readTiles([{ level, index, width: TILE_WIDTH }]);
    if (
      bytes?.length !== TILE_WIDTH * HASH_BYTES ||
      !equalHashes(rootOfTile(bytes), await this.#above(level, index))
    )
      throw new TileError(`tile ${level}/${index} is not that of the checkpoint`);
    return bytes;
  }

  async #above(level: number, index: number): Promise<Uint8Array> {
    const parent = await this.read(level + 1, Math.floor(index / TILE_WIDTH));
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return parent.subarray(at, at + HASH_BYTES);
  }

  /** The root hash that the tree had at an earlier size. Throws like `read`. */
  rootAt(size: number): Promise<Uint8Array> {
    return readRoot(
      size,
      nodesFromTiles(this.root.size, async (tiles) => {
        const contents: Uint8Array[] = [];
        for (const { level, index } of tiles) contents.push(await this.read(level, index));
        return contents;
      }),
    );
  }

  async #readEdge(): Promise<Map<number, Uint8Array>> {
    const { size, rootHash } = this.root;
    const tiles = partialTiles(size);
    const contents = await this.#readTiles(tiles);
    const edge = new Map(tiles.map(({ level }, at) => [level, contents[at] as Uint8Array]));
    const fromEdge: ReadTiles = async (wanted) =>
      wanted.map(({ level }) => edge.get(level) ?? new Uint8Array(0));
    const root = await readRoot(size, nodesFromTiles(size, fromEdge)).catch(() => undefined);
    if (!root || !equalHashes(root, rootHash))
      throw new TileError('the tiles at the end of the tree are not those of the checkpoint');
    return edge;
  }
}
