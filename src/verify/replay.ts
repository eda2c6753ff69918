import { HASH_BYTES } from '../merkle/hash.ts';
import { TILE_HEIGHT } from '../merkle/tile.ts';
import { emptyFrontier, extendFrontier, type Frontier } from '../merkle/tree.ts';

/** A growing list of hashes in one buffer. */
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

  /** The bytes of the hashes `start` (inclusive) to `end` (exclusive). */
  slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start * HASH_BYTES, Math.min(end, this.#length) * HASH_BYTES);
  }
}

/**
 * A tree that is rebuilt from its leaves, to compare the stored tree with it. Keeps the hashes of the tiles above level 0 in
 * memory: an eighth of a byte per leaf.
 */
export class Replay {
  #frontier: Frontier = emptyFrontier;
  readonly #upper: HashList[] = [];

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** The hashes of a tile level from 1 on; undefined while there are none. */
  upper(level: number): HashList | undefined {
    return this.#upper[level - 1];
  }

  add(leaves: readonly Uint8Array[]): void {
    this.#frontier = extendFrontier(this.#frontier, leaves, (level, _, hash) => {
      if (level > 0 && level % TILE_HEIGHT === 0) this.#addHash(level / TILE_HEIGHT - 1, hash);
    });
  }

  #addHash(at: number, hash: Uint8Array): void {
    const list = this.#upper[at] ?? new HashList();
    this.#upper[at] = list;
    list.push(hash);
  }
}
