import { equalHashes, HASH_BYTES } from '../merkle/hash.ts';
import { readRoot } from '../merkle/prove.ts';
import {
  nodesFromTiles,
  partialTiles,
  type ReadTiles,
  rootOfTile,
  TILE_WIDTH,
  tileWidth,
} from '../merkle/tile.ts';
import type { Finding } from './findings.ts';
import type { HashList, Replay } from './replay.ts';

/** A tile that does not match the root hash. */
export class TileError extends Error {
  override readonly name = 'TileError';
}

/** The trusted size and root hash of a tree. */
export interface TrustedRoot {
  size: number;
  rootHash: Uint8Array;
}

/**
 * Tiles from an untrusted source. Each full tile is compared with the tile above it, and the partial tiles at the right edge
 * of the tree with the root hash. So every result is part of the signed tree.
 */
export class TrustedTiles {
  readonly root: TrustedRoot;
  readonly #readTiles: ReadTiles;
  #edge: Promise<Map<number, Uint8Array>> | undefined;
  /** The last tile of each level above the leaves, to check the tiles below it. */
  readonly #last = new Map<number, { index: number; bytes: Promise<Uint8Array> }>();

  constructor(readTiles: ReadTiles, root: TrustedRoot) {
    this.#readTiles = readTiles;
    this.root = root;
  }

  /** The hashes of a tile in its width at this size. Throws a TileError, and the errors of reading. */
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

/** A hash as a map key. */
const nameOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

/**
 * The index of the first tile of leaves that does not match the lines, found from the top of the tree downwards. When there
 * are too few lines, it is the tile in which they end.
 */
export async function firstWrongTile(tiles: TrustedTiles, replay: Replay): Promise<number> {
  let level = 0;
  while (TILE_WIDTH ** (level + 1) <= tiles.root.size) level += 1;
  let index = 0;
  for (; level > 0; level -= 1) index = await firstWrongHash(tiles, { level, index }, replay.upper(level));
  return index;
}

/** The index within the level of the first hash of a tile that differs, or the index after the tile's last hash. */
async function firstWrongHash(
  tiles: TrustedTiles,
  { level, index }: { level: number; index: number },
  own: HashList | undefined,
): Promise<number> {
  const start = index * TILE_WIDTH;
  if (start >= Math.floor(tiles.root.size / TILE_WIDTH ** level)) return start;
  const right = await tiles.read(level, index);
  const known = own?.slice(start, start + TILE_WIDTH) ?? new Uint8Array(0);
  let at = 0;
  while (at < right.length && right[at] === known[at]) at += 1;
  return start + Math.floor(at / HASH_BYTES);
}

/**
 * Explains the first difference between the leaf hashes of the lines (`own`) and those of the tree (`right`), which both
 * begin at position `start`; undefined when there is no difference.
 */
export function explainLeaves(
  own: readonly Uint8Array[],
  right: readonly Uint8Array[],
  start: number,
): Finding | undefined {
  const [ours, theirs] = [own.map(nameOf), right.map(nameOf)];
  const at = theirs.findIndex((name, index) => name !== ours[index]);
  if (at < 0) return undefined;
  const position = start + at;
  const line = ours[at];
  if (line === undefined) return { kind: 'missing', message: 'the lines end before this event', position };
  const home = theirs.indexOf(line);
  const expected = ours.indexOf(theirs[at] as string);
  if (home >= 0 && home < at) return extra(position, 1);
  if (home >= 0 && expected < 0) return missing(position, home - at);
  if (home >= 0)
    return {
      kind: 'out of order',
      message: `the line holds the event of position ${start + home}`,
      position,
    };
  if (expected > at) return extra(position, expected - at);
  return { kind: 'changed', message: 'the event was changed: it is not what was appended', position };
}

function missing(position: number, count: number): Finding {
  const message = count > 1 ? `the event and the ${count - 1} after it are missing` : 'the event is missing';
  return { kind: 'missing', message, position };
}

function extra(position: number, count: number): Finding {
  const lines = count > 1 ? `${count} lines are` : 'a line is';
  return { kind: 'extra', message: `${lines} there that should not be`, position };
}
