import type { PoolClient } from 'pg';
import { equalHashes, HASH_BYTES } from '../../merkle/hash.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import { decodePositions } from '../tiles.ts';
import type { TreeName } from '../trees.ts';
import type { Findings } from './findings.ts';
import { EventChain, type Owners } from './owners.ts';
import type { LogSizes } from './sizes.ts';
import { addTile, type StoredTile, TileOrder } from './tiles.ts';

export interface CustomerLeavesOptions {
  client: PoolClient;
  tree: TreeName;
  sizes: LogSizes;
  owners: Owners;
  findings: Findings;
}

/** Reads the leaves of a customer's tree from its tiles and holds them against the log. */
export class CustomerLeaves {
  /** The events that the tree has, of those whose rows say whose they are. */
  readonly chain = new EventChain();
  readonly #options: CustomerLeavesOptions;
  readonly #order: TileOrder;
  #positions: number[] = [];
  #start = 0;
  #last = -1;
  #contradictsLog = false;

  constructor(options: CustomerLeavesOptions) {
    this.#options = options;
    this.#order = new TileOrder(options.tree, options.findings);
  }

  /** Whether a leaf is not that of the log, of an event whose row is not there to be compared. */
  get contradictsLog(): boolean {
    return this.#contradictsLog;
  }

  /** The leaves of the next tile of level 0; undefined where the tile breaks off. */
  async read(tile: StoredTile): Promise<(Uint8Array | undefined)[]> {
    const { findings } = this.#options;
    this.#order.see(tile);
    this.#start += this.#positions.length;
    this.#last = this.#positions.at(-1) ?? this.#last;
    this.#positions = decodePositions(tile.positions ?? Buffer.alloc(0));
    const problem = this.#problemOf(tile);
    if (problem) addTile(findings, tile, problem);
    const known = await this.#knownLeaves();
    return this.#positions.map((position, at) => {
      const hash = tile.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      const expected = known.get(position);
      if (!known.has(position)) this.chain.add(position, hash);
      if (!expected || equalHashes(expected, hash)) return hash.length === HASH_BYTES ? hash : undefined;
      this.#contradictsLog = true;
      addTile(findings, tile, `has another hash than the log at position ${position}`);
      return expected;
    });
  }

  /** Whether a tree of `size` leaves, no more than were read, holds what there is before position `logSize`. */
  speaksUpTo(size: number, logSize: number): boolean {
    const at = size - this.#start;
    const before = at > 0 ? this.#positions[at - 1] : this.#last;
    return (before ?? -1) < logSize && (this.#positions[at] ?? Infinity) >= logSize;
  }

  #problemOf({ index, width, hashes, positions, firstPosition }: StoredTile): string | undefined {
    const count = this.#positions.length;
    const isWhole =
      width <= TILE_WIDTH && hashes.length === width * HASH_BYTES && positions?.length === width * 8;
    if (!isWhole) return 'has not as many hashes and positions as it says';
    if (index * TILE_WIDTH !== this.#start) return 'comes after one that is not full';
    if (firstPosition !== this.#positions[0]) return 'does not say its first position';
    const isRising = this.#positions.every(
      (position, at) => position > (this.#positions[at - 1] ?? this.#last),
    );
    return isRising && count > 0 ? undefined : 'has positions that are not in the order of the log';
  }

  // Of events whose rows cannot say whose they are: those that retention removed, and those that are wrong.
  async #knownLeaves(): Promise<Map<number, Uint8Array | undefined>> {
    const { client, sizes, owners } = this.#options;
    const isPurged = (position: number) => position < sizes.first || position >= sizes.grown;
    const purged = this.#positions.filter(isPurged);
    const unsure = this.#positions.filter((position) => owners.isUnsure(position) && !isPurged(position));
    const leaves = new Map(unsure.map((position) => [position, owners.unsureLeaf(position)]));
    // A position that the log's tiles do not have is known to be wrong.
    for (const position of purged) leaves.set(position, Buffer.alloc(HASH_BYTES));
    if (purged.length === 0) return leaves;
    const { rows } = await client.query<{ position: number; leaf: Buffer }>(
      `SELECT position, substring(hashes FROM (position % ${TILE_WIDTH})::int * ${HASH_BYTES} + 1 FOR ${HASH_BYTES}) AS leaf
       FROM unnest($1::bigint[]) AS position
       JOIN tree_tiles ON tree = 'log' AND level = 0 AND index = position / ${TILE_WIDTH}`,
      [purged],
    );
    for (const { position, leaf } of rows) leaves.set(position, leaf);
    return leaves;
  }
}
