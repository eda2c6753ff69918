import { HASH_BYTES } from '../../merkle/hash.ts';
import { TILE_HEIGHT } from '../../merkle/tile.ts';
import { emptyFrontier, extendFrontier, type Frontier } from '../../merkle/tree.ts';

/** Hashes one after the other, in memory that grows. */
export class HashList {
  #bytes = Buffer.alloc(64 * HASH_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(hash: Uint8Array): void {
    const start = this.#length * HASH_BYTES;
    if (start === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(start)]);
    this.#bytes.set(hash, start);
    this.#length += 1;
  }

  /** The bytes of the hashes `start` to `end`, the last left out. */
  slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start * HASH_BYTES, Math.min(end, this.#length) * HASH_BYTES);
  }
}

/**
 * A tree that is grown again from its leaves, to be compared with what is stored of it. Keeps the hashes of the tiles
 * above level 0 in memory, an eighth of a byte for each leaf.
 */
export class Replay {
  #frontier: Frontier = emptyFrontier;
  readonly #upper: HashList[] = [];

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** The hashes at a tile level from 1 on; undefined while the tree has none there. */
  upper(level: number): HashList | undefined {
    return this.#upper[level - 1];
  }

  add(leaves: readonly Uint8Array[]): void {
    this.#frontier = extendFrontier(this.#frontier, leaves, (level, _, hash) => {
      if (level > 0 && level % TILE_HEIGHT === 0) this.#keep(level / TILE_HEIGHT - 1, hash);
    });
  }

  #keep(place: number, hash: Uint8Array): void {
    const list = this.#upper[place] ?? new HashList();
    this.#upper[place] = list;
    list.push(hash);
  }
}
