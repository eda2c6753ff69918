import { Peekable } from '../db/bulk-read.ts';
import type { PrismaClient } from '../db/generated/client.ts';
import { equalHashes, HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { emptyFrontier, extendFrontier, frontierLength, serializeFrontier } from '../merkle/tree.ts';
import type { EventOwners } from './event-owners.ts';
import { Deviations, type Findings } from './findings.ts';
import type { LogSizes, LogWalkResult } from './head.ts';
import type { RowBlock } from './read-rows.ts';
import type { CheckedRow } from './rows.ts';
import { addTile, type StoredTile, shapeProblem, TileOrder, type TreeCheck, tileCount } from './trees.ts';

/** The options of `walkLog`. */
export interface LogWalkOptions {
  prisma: PrismaClient;
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
    await walk.checkBlock(index, ownRows ?? [], tile?.index === index ? await tiles.take() : undefined);
  }
  return walk.finish();
}

/** The check of the log, block by block. A block is the 256 positions of one tile of level 0. */
class LogWalk {
  readonly #options: LogWalkOptions;
  readonly #deviations: Deviations;
  readonly #tileOrder: TileOrder;
  /** The position after the last event that must exist. Of head and rows the smaller size counts: `checkHead` compares them. */
  readonly #expectedEnd: number;
  #nextIndex = 0;
  #events = 0;
  #rowsBeyondHead: { position: number; count: number } | undefined;
  #hasFaultOutsideTiles = false;

  constructor(options: LogWalkOptions) {
    const { head, rowsEnd, treeSize } = options.sizes;
    this.#options = options;
    this.#deviations = new Deviations(options.findings);
    this.#tileOrder = new TileOrder('log', options.findings);
    this.#expectedEnd = Math.max(treeSize, Math.min(head?.size ?? rowsEnd, rowsEnd));
  }

  /** Checks the rows and the tile of the next block that has any, and appends its leaves to the rebuilt tree. */
  async checkBlock(index: number, rows: CheckedRow[], tile: StoredTile | undefined): Promise<void> {
    const { sizes, tree, onProgress } = this.#options;
    const start = index * TILE_WIDTH;
    if (index > this.#nextIndex) this.#reportMissingEvents(this.#nextIndex * TILE_WIDTH, start);
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    this.#events += rows.length;
    const stored = this.#pairByPosition(start, rows, tile);
    const leaves = stored.every(rowMatchesTile)
      ? stored.map(likelyLeaf)
      : chooseLeaves(stored, await this.#readFrontier(index));
    stored.forEach(({ row }, at) => {
      this.#checkPosition(start + at, row, leaves[at]);
    });
    if (tile) this.#checkTile(tile, leaves);
    if (index >= 0 && leaves.length > 0) {
      if (tree.size !== start) tree.setIncomplete();
      await tree.add(leaves);
    }
    onProgress(Math.min(start + TILE_WIDTH, sizes.rowsEnd));
  }

  /** Reports what is missing after the last block, and the findings that need all rows. */
  finish(): LogWalkResult {
    const { treeSize } = this.#options.sizes;
    this.#reportMissingEvents(this.#nextIndex * TILE_WIDTH, this.#expectedEnd);
    this.#tileOrder.reportMissing(0, tileCount(0, treeSize));
    this.#deviations.report();
    return {
      events: this.#events,
      rowsBeyondHead: this.#rowsBeyondHead,
      hasFaultOutsideTiles: this.#hasFaultOutsideTiles,
    };
  }

  /** Reports the events that must exist from `start` to `end` (exclusive), where neither rows nor tiles are. */
  #reportMissingEvents(start: number, end: number): void {
    const from = Math.max(start, this.#options.sizes.first);
    const to = Math.min(end, this.#expectedEnd);
    if (from >= to) return;
    this.#deviations.addMissing(from, to - from);
    this.#hasFaultOutsideTiles ||= to > this.#options.sizes.treeSize;
    this.#options.tree.setIncomplete();
  }

  /** Pairs row and leaf of each position of a block, up to the last one that has a row or a leaf or must have one. */
  #pairByPosition(
    start: number,
    rows: readonly CheckedRow[],
    tile: StoredTile | undefined,
  ): StoredPosition[] {
    const { treeSize } = this.#options.sizes;
    const inTile = tile ? Math.floor(tile.hashes.length / HASH_BYTES) : 0;
    const stored: StoredPosition[] = [];
    for (let at = 0; at < Math.min(inTile, treeSize - start, TILE_WIDTH); at += 1)
      stored.push({ row: undefined, tileLeaf: tile && hashAt(tile.hashes, at) });
    const extendTo = (length: number) => {
      while (stored.length < length) stored.push({ row: undefined, tileLeaf: undefined });
    };
    for (const row of rows) {
      if (!this.#acceptRow(row, stored[row.position - start])) continue;
      extendTo(row.position - start + 1);
      (stored[row.position - start] as StoredPosition).row = row;
    }
    if (start >= 0) extendTo(Math.min(TILE_WIDTH, this.#expectedEnd - start));
    return stored;
  }

  /** Whether a row is the row of its position. Reports a row that should not exist, and counts those beyond the head. */
  #acceptRow(row: CheckedRow, stored: StoredPosition | undefined): boolean {
    const { sizes, findings } = this.#options;
    const { position } = row;
    const isPurged = position < sizes.first;
    // A purge announces before it removes. Rows that it has not removed yet must be unchanged.
    if (isPurged && isEventOfLeaf(row, stored?.tileLeaf)) return false;
    if (isPurged || stored?.row) {
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

  /** Compares the row of a position with the chosen leaf, reports the difference, and adds the event to its customer. */
  #checkPosition(position: number, row: CheckedRow | undefined, leaf: LeafHash): void {
    const { sizes, owners } = this.#options;
    if (position < sizes.first) return;
    const isInTree = position < sizes.treeSize;
    if (!row) {
      if (position < this.#expectedEnd) this.#deviations.addMissing(position, 1, leaf);
      if (isInTree) owners.addWithoutOwner(position, leaf);
      else this.#hasFaultOutsideTiles = true;
      return;
    }
    const isRight = row.leaf !== undefined && leaf !== undefined && equalHashes(row.leaf, leaf);
    const fault = isRight ? faultOf(row, leaf) : undefined;
    if (!isRight) this.#deviations.addWrong(row, leaf);
    else if (fault) this.#deviations.addFault(position, fault);
    if (!isInTree) this.#hasFaultOutsideTiles ||= !isRight;
    else if (!isRight) owners.addWithoutOwner(position, leaf);
    else if (row.customerId !== undefined) owners.add(row.customerId, position, leaf);
  }

  /** Reports tiles that are missing before this one, and what is wrong with its shape or its leaves. */
  #checkTile(tile: StoredTile, leaves: readonly LeafHash[]): void {
    const { findings, sizes } = this.#options;
    this.#tileOrder.add(tile);
    const problem = shapeProblem(tile, sizes.treeSize) ?? contentProblem(tile, leaves);
    if (problem) addTile(findings, tile, problem);
  }

  /**
   * Reads the frontier of a block's leaves from where the tree stores it a second time: the tile of level 1 for a full block,
   * the row of the tree for the last block. Undefined where neither has it.
   */
  async #readFrontier(index: number): Promise<BlockFrontier | undefined> {
    const { prisma, sizes } = this.#options;
    const width = Math.min(TILE_WIDTH, sizes.treeSize - index * TILE_WIDTH);
    if (width <= 0) return undefined;
    if (width < TILE_WIDTH) {
      if (sizes.tree?.size !== sizes.treeSize) return undefined;
      return { width, hashes: sizes.tree.frontier.subarray(-frontierLength(width) * HASH_BYTES) };
    }
    const tile = await prisma.treeTile.findFirst({
      where: { tree: 'log', level: 1, index: Math.floor(index / TILE_WIDTH) },
      select: { hashes: true },
    });
    return tile ? { width, hashes: hashAt(tile.hashes, index % TILE_WIDTH) } : undefined;
  }
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

function isEventOfLeaf({ leaf, fault }: CheckedRow, tileLeaf: LeafHash): boolean {
  return leaf !== undefined && tileLeaf !== undefined && fault === undefined && equalHashes(leaf, tileLeaf);
}

function faultOf({ storedLeaf, fault }: CheckedRow, leaf: Uint8Array): string | undefined {
  return fault ?? (equalHashes(storedLeaf, leaf) ? undefined : 'its leaf_hash is not that of its values');
}

function contentProblem(tile: StoredTile, leaves: readonly LeafHash[]): string | undefined {
  if (tile.positions !== null || tile.firstPosition !== null)
    return "has positions, which only customers' have";
  const wrong = leaves
    .slice(0, tile.width)
    .findIndex((leaf, at) => leaf && !equalHashes(leaf, hashAt(tile.hashes, at)));
  return wrong < 0
    ? undefined
    : `has another hash than the event at position ${tile.index * TILE_WIDTH + wrong}`;
}

/** A leaf hash. Undefined: unknown. */
type LeafHash = Uint8Array | undefined;

/** What is stored of one position: its row, and its leaf in the tile. */
interface StoredPosition {
  row: CheckedRow | undefined;
  tileLeaf: LeafHash;
}

/** The frontier of the tree of a block's first `width` leaves. */
interface BlockFrontier {
  width: number;
  hashes: Uint8Array;
}

/**
 * Chooses the leaf of each position of a block whose rows and tile contradict each other. Three assumptions are tried, and the
 * first whose leaves hash to the frontier counts: each row that matches its own leaf hash is right; the tile is right; all
 * rows are right. When the frontier is unknown or confirms none of them, the first one counts.
 */
function chooseLeaves(stored: readonly StoredPosition[], frontier: BlockFrontier | undefined): LeafHash[] {
  const likely = stored.map(likelyLeaf);
  if (!frontier) return likely;
  const candidates = [likely, stored.map(leafByTile), stored.map(leafByRow)];
  return candidates.find((leaves) => hashTo(leaves, frontier)) ?? likely;
}

/** Whether the row and the leaf in the tile do not contradict each other. */
function rowMatchesTile({ row, tileLeaf }: StoredPosition): boolean {
  return !row || !tileLeaf || (row.leaf !== undefined && equalHashes(row.leaf, tileLeaf));
}

function likelyLeaf({ row, tileLeaf }: StoredPosition): LeafHash {
  if (!row) return tileLeaf;
  const isConfirmed = (by: LeafHash) =>
    row.leaf !== undefined && by !== undefined && equalHashes(row.leaf, by);
  if (isConfirmed(row.storedLeaf) || isConfirmed(tileLeaf)) return row.leaf;
  return tileLeaf ?? (row.storedLeaf.length === HASH_BYTES ? row.storedLeaf : undefined);
}

function leafByTile(stored: StoredPosition): LeafHash {
  return stored.tileLeaf ?? likelyLeaf(stored);
}

function leafByRow({ row, tileLeaf }: StoredPosition): LeafHash {
  return row?.leaf ?? tileLeaf;
}

function hashTo(leaves: readonly LeafHash[], { width, hashes }: BlockFrontier): boolean {
  const first = leaves.slice(0, width);
  if (first.includes(undefined)) return false;
  return equalHashes(serializeFrontier(extendFrontier(emptyFrontier, first as Uint8Array[])), hashes);
}
