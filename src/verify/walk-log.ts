import type { PoolClient } from 'pg';
import { Peekable } from '../db/bulk-read.ts';
import { equalHashes, HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { emptyFrontier, extendFrontier, frontierLength, serializeFrontier } from '../merkle/tree.ts';
import type { EventOwners } from './event-owners.ts';
import { Deviations, type Findings } from './findings.ts';
import type { LogSizes, LogWalkResult } from './head.ts';
import type { CheckedRow, RowBlock } from './rows.ts';
import { addTile, type StoredTile, shapeProblem, TileOrder, type TreeCheck, tileCount } from './trees.ts';

/** The options of `walkLog`. */
export interface LogWalkOptions {
  client: PoolClient;
  findings: Findings;
  sizes: LogSizes;
  tree: TreeCheck;
  owners: EventOwners;
  /** Called with the current position. */
  onProgress: (position: number) => void;
}

/**
 * Reads the rows together with the tiles of level 0, checks each row, determines the leaf of each position, and appends it
 * to the rebuilt tree. Memory grows only by the upper levels of the tree and a hash per customer.
 */
export async function walkLog(
  options: LogWalkOptions,
  rows: AsyncIterable<RowBlock>,
  tiles: Peekable<StoredTile>,
): Promise<LogWalkResult> {
  const walk = new LogWalk(options);
  const blocks = new Peekable(rows);
  for (;;) {
    const block = await blocks.peek();
    const tile = await tiles.peek();
    const index = Math.min(block?.index ?? Infinity, tile?.index ?? Infinity);
    if (index === Infinity) break;
    const ownRows = block?.index === index ? (await blocks.take())?.rows : undefined;
    await walk.visit(index, ownRows ?? [], tile?.index === index ? await tiles.take() : undefined);
  }
  return walk.end();
}

class LogWalk {
  readonly #options: LogWalkOptions;
  readonly #deviations: Deviations;
  readonly #order: TileOrder;
  /** The position after the last event that must exist, by rows, tiles and head. */
  readonly #due: number;
  #next = 0;
  #events = 0;
  #rowsBeyondHead: { position: number; count: number } | undefined;
  #hasFaultOutsideTiles = false;

  constructor(options: LogWalkOptions) {
    const { head, rowsEnd, treeSize } = options.sizes;
    this.#options = options;
    this.#deviations = new Deviations(options.findings);
    this.#order = new TileOrder('log', options.findings);
    this.#due = Math.max(treeSize, Math.min(head?.size ?? rowsEnd, rowsEnd));
  }

  async visit(index: number, rows: CheckedRow[], tile: StoredTile | undefined): Promise<void> {
    const { sizes, tree, onProgress } = this.#options;
    const start = index * TILE_WIDTH;
    if (index > this.#next) this.#skip(this.#next * TILE_WIDTH, start);
    this.#next = Math.max(this.#next, index + 1);
    this.#events += rows.length;
    const slots = this.#slots(start, rows, tile);
    const isSettled = slots.every(rowMatchesTile);
    const leaves = settleLeaves(slots, isSettled ? undefined : await this.#proof(index));
    slots.forEach((slot, at) => {
      this.#judge(start + at, slot, leaves[at]);
    });
    if (tile) this.#judgeTile(tile, leaves);
    if (index >= 0 && leaves.length > 0) {
      if (tree.size !== start) tree.lose();
      await tree.add(leaves);
    }
    onProgress(Math.min(start + TILE_WIDTH, sizes.rowsEnd));
  }

  end(): LogWalkResult {
    const { treeSize } = this.#options.sizes;
    this.#skip(this.#next * TILE_WIDTH, this.#due);
    this.#order.end(0, tileCount(0, treeSize));
    this.#deviations.report();
    return {
      events: this.#events,
      rowsBeyondHead: this.#rowsBeyondHead,
      hasFaultOutsideTiles: this.#hasFaultOutsideTiles,
    };
  }

  // Handles positions without rows and tiles.
  #skip(start: number, end: number): void {
    const from = Math.max(start, this.#options.sizes.first);
    const to = Math.min(end, this.#due);
    if (from >= to) return;
    this.#deviations.addMissing(from, to - from);
    this.#hasFaultOutsideTiles ||= to > this.#options.sizes.treeSize;
    this.#options.tree.lose();
  }

  // One slot per position of the block, up to the last position that has a row or a leaf or should have one.
  #slots(start: number, rows: readonly CheckedRow[], tile: StoredTile | undefined): Slot[] {
    const { treeSize } = this.#options.sizes;
    const inTile = tile ? Math.floor(tile.hashes.length / HASH_BYTES) : 0;
    const slots: Slot[] = [];
    for (let at = 0; at < Math.min(inTile, treeSize - start, TILE_WIDTH); at += 1)
      slots.push({ row: undefined, stored: tile?.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES) });
    const pad = (length: number) => {
      while (slots.length < length) slots.push({ row: undefined, stored: undefined });
    };
    for (const row of rows) {
      if (!this.#isExpected(row, slots[row.position - start])) continue;
      pad(row.position - start + 1);
      (slots[row.position - start] as Slot).row = row;
    }
    if (start >= 0) pad(Math.min(TILE_WIDTH, this.#due - start));
    return slots;
  }

  #isExpected(row: CheckedRow, known: Slot | undefined): boolean {
    const { sizes, findings } = this.#options;
    const { position } = row;
    const isPurged = position < sizes.first;
    // A purge announces before it removes. Rows that it has not removed yet must be unchanged.
    if (isPurged && isLeaf(row, known?.stored)) return false;
    if (isPurged || known?.row) {
      const why = isPurged
        ? `retention removed everything before position ${sizes.first}`
        : 'there is another row of this position';
      findings.add({ kind: 'extra', message: `unexpected row: ${why}`, position });
      return false;
    }
    if (position >= Math.max(sizes.head?.size ?? sizes.rowsEnd, sizes.treeSize))
      this.#rowsBeyondHead = {
        position: this.#rowsBeyondHead?.position ?? position,
        count: (this.#rowsBeyondHead?.count ?? 0) + 1,
      };
    return true;
  }

  #judge(position: number, { row }: Slot, leaf: Uint8Array | undefined): void {
    const { sizes, owners } = this.#options;
    if (position < sizes.first) return;
    if (!row) {
      if (position < this.#due) this.#deviations.addMissing(position, 1, leaf);
      if (position < sizes.treeSize) owners.addUnsure(position, leaf);
      else this.#hasFaultOutsideTiles = true;
      return;
    }
    const isRight = row.leaf !== undefined && leaf !== undefined && equalHashes(row.leaf, leaf);
    const fault = isRight ? faultOf(row, leaf) : undefined;
    if (!isRight) this.#deviations.addWrong(row, leaf);
    else if (fault) this.#deviations.addFault(position, fault);
    if (position >= sizes.treeSize) this.#hasFaultOutsideTiles ||= !isRight;
    else if (!isRight) owners.addUnsure(position, leaf);
    else if (row.customerId !== undefined) owners.add(row.customerId, position, leaf);
  }

  #judgeTile(tile: StoredTile, leaves: readonly (Uint8Array | undefined)[]): void {
    const { findings, sizes } = this.#options;
    this.#order.see(tile);
    const problem = shapeProblem(tile, sizes.treeSize) ?? contentProblem(tile, leaves);
    if (problem) addTile(findings, tile, problem);
  }

  // The frontier of a tile's leaves, by the tile of the level above or by the row of the tree.
  async #proof(index: number): Promise<{ width: number; frontier: Buffer } | undefined> {
    const { client, sizes } = this.#options;
    const width = Math.min(TILE_WIDTH, sizes.treeSize - index * TILE_WIDTH);
    if (width <= 0) return undefined;
    if (width < TILE_WIDTH) {
      if (sizes.tree?.size !== sizes.treeSize) return undefined;
      return { width, frontier: sizes.tree.frontier.subarray(-frontierLength(width) * HASH_BYTES) };
    }
    const { rows } = await client.query<{ hashes: Buffer }>(
      "SELECT hashes FROM tree_tiles WHERE tree = 'log' AND level = 1 AND index = $1",
      [Math.floor(index / TILE_WIDTH)],
    );
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return rows[0] && { width, frontier: rows[0].hashes.subarray(at, at + HASH_BYTES) };
  }
}

function isLeaf({ leaf, fault }: CheckedRow, stored: Uint8Array | undefined): boolean {
  return leaf !== undefined && stored !== undefined && fault === undefined && equalHashes(leaf, stored);
}

function faultOf({ storedLeaf, fault }: CheckedRow, leaf: Uint8Array): string | undefined {
  return fault ?? (equalHashes(storedLeaf, leaf) ? undefined : 'its leaf_hash is not that of its values');
}

function contentProblem(tile: StoredTile, leaves: readonly (Uint8Array | undefined)[]): string | undefined {
  if (tile.positions !== null || tile.firstPosition !== null)
    return "has positions, which only customers' have";
  const known = leaves.slice(0, tile.width);
  const wrong = known.findIndex(
    (leaf, at) => leaf && !equalHashes(leaf, tile.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  );
  return wrong < 0
    ? undefined
    : `has another hash than the event at position ${tile.index * TILE_WIDTH + wrong}`;
}

/** The row and the leaf in the tile of one position. */
export interface Slot {
  row: CheckedRow | undefined;
  stored: Uint8Array | undefined;
}

type Leaf = Uint8Array | undefined;

/**
 * Determines the leaf of each position when rows and tile differ: the leaves that hash to the frontier in `proof`, which
 * comes from the level above (undefined when it is not known). When none do, a row counts if it matches its own leaf hash.
 */
export function settleLeaves(
  slots: readonly Slot[],
  proof: { width: number; frontier: Buffer } | undefined,
): Leaf[] {
  const preferred = slots.map(preferredLeaf);
  if (!proof || slots.every(rowMatchesTile)) return preferred;
  const candidates = [preferred, slots.map(leafByTile), slots.map(leafByRow)];
  return candidates.find((leaves) => hashTo(leaves.slice(0, proof.width), proof.frontier)) ?? preferred;
}

/** Whether the row and the leaf in the tile do not contradict each other. */
export function rowMatchesTile({ row, stored }: Slot): boolean {
  return !row || !stored || (row.leaf !== undefined && equalHashes(row.leaf, stored));
}

function preferredLeaf({ row, stored }: Slot): Leaf {
  if (!row) return stored;
  const isItself = row.leaf !== undefined && equalHashes(row.leaf, row.storedLeaf);
  if (isItself || (row.leaf && stored && equalHashes(row.leaf, stored))) return row.leaf;
  return stored ?? (row.storedLeaf.length === HASH_BYTES ? row.storedLeaf : undefined);
}

function leafByTile(slot: Slot): Leaf {
  return slot.stored ?? preferredLeaf(slot);
}

function leafByRow(slot: Slot): Leaf {
  return slot.row?.leaf ?? slot.stored;
}

function hashTo(leaves: readonly Leaf[], frontier: Buffer): boolean {
  if (leaves.includes(undefined)) return false;
  return equalHashes(serializeFrontier(extendFrontier(emptyFrontier, leaves as Uint8Array[])), frontier);
}
