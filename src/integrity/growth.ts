import { TILE_HEIGHT, TILE_WIDTH } from '../merkle/tile.ts';
import { extendFrontier, type Frontier } from '../merkle/tree.ts';
import { encodePositions, type TilePart } from './tiles.ts';
import type { TreeName } from './trees.ts';

/** A tree while it grows by the leaves of one step. */
export class TreeGrowth {
  readonly name: TreeName;
  #frontier: Frontier;
  readonly #positions: number[] = [];
  /** The new nodes of every tile level, and the index of the first of each. */
  readonly #added: { start: number; hashes: Uint8Array[] }[] = [];

  constructor(name: TreeName, frontier: Frontier) {
    this.name = name;
    this.#frontier = frontier;
  }

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** Adds leaves; `positions` say where in the log they stand. */
  add(leafHashes: readonly Uint8Array[], positions: readonly number[]): void {
    if (this.name !== 'log') this.#positions.push(...positions);
    this.#frontier = extendFrontier(this.#frontier, leafHashes, (level, index, hash) => {
      if (level % TILE_HEIGHT === 0) this.#addNode(level / TILE_HEIGHT, index, hash);
    });
  }

  /** What to add to the stored tiles. */
  parts(): TilePart[] {
    return this.#added.flatMap(({ start, hashes }, level) => {
      const parts: TilePart[] = [];
      for (let done = 0; done < hashes.length; ) {
        const index = Math.floor((start + done) / TILE_WIDTH);
        const end = Math.min(hashes.length, (index + 1) * TILE_WIDTH - start);
        parts.push({
          tree: this.name,
          level,
          index,
          width: start + end - index * TILE_WIDTH,
          hashes: Buffer.concat(hashes.slice(done, end)),
          ...this.#places(level, start + done === index * TILE_WIDTH, done, end),
        });
        done = end;
      }
      return parts;
    });
  }

  #addNode(tileLevel: number, index: number, hash: Uint8Array): void {
    const added = this.#added[tileLevel];
    if (added) added.hashes.push(hash);
    else this.#added[tileLevel] = { start: index, hashes: [hash] };
  }

  #places(level: number, isBegin: boolean, start: number, end: number) {
    if (this.name === 'log' || level > 0) return { positions: undefined, firstPosition: undefined };
    const positions = this.#positions.slice(start, end);
    return { positions: encodePositions(positions), firstPosition: isBegin ? positions[0] : undefined };
  }
}
