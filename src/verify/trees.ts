import type { PoolClient } from 'pg';
import { Peekable, streamRows } from '../db/bulk-read.ts';
import type { TreeName } from '../evidence/tree-names.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH, tileWidth } from '../merkle/tile.ts';
import { emptyFrontier, type Frontier } from '../merkle/tree.ts';
import type { CheckpointCheck } from './checkpoints.ts';
import type { Findings } from './findings.ts';
import { Replay } from './replay.ts';

/** Rebuilds a tree from its leaves, and checks its checkpoints on the way. */
export class TreeCheck {
  readonly replay = new Replay();
  readonly #checkpoints: CheckpointCheck;
  readonly #keptSizes: number[];
  readonly #keptFrontiers = new Map<number, Frontier>();
  readonly #onLogSizes: ((logSizes: number[]) => void) | undefined;
  /** Whether a leaf is unknown, so that the tree cannot be rebuilt any further. */
  #isIncomplete = false;

  /** `frontierAt` knows the frontiers at `keptSizes`. `onLogSizes` gets the results of `CheckpointCheck.check`. */
  constructor(
    checkpoints: CheckpointCheck,
    { keptSizes = [], onLogSizes }: { keptSizes?: number[]; onLogSizes?: (logSizes: number[]) => void } = {},
  ) {
    this.#checkpoints = checkpoints;
    this.#keptSizes = [...new Set(keptSizes)].sort((a, b) => a - b);
    this.#onLogSizes = onLogSizes;
  }

  /** The number of known leaves. */
  get size(): number {
    return this.replay.frontier.size;
  }

  /** Says that the next leaf is unknown: leaves after it are ignored. */
  setIncomplete(): void {
    this.#isIncomplete = true;
  }

  /** The frontier at one of `keptSizes`; undefined when not all leaves up to there are known. */
  frontierAt(size: number): Frontier | undefined {
    return size === 0 ? emptyFrontier : this.#keptFrontiers.get(size);
  }

  /** Appends leaves, up to the first unknown one. */
  async add(leaves: readonly (Uint8Array | undefined)[]): Promise<void> {
    const unknown = leaves.indexOf(undefined);
    const known = leaves.slice(0, unknown < 0 ? leaves.length : unknown) as Uint8Array[];
    if (!this.#isIncomplete) await this.#appendLeaves(known);
    if (unknown >= 0) this.#isIncomplete = true;
  }

  /** Checks the remaining checkpoints. Call it after the last leaf. */
  async finish(): Promise<void> {
    await this.#reachSize();
    await this.#checkpoints.finish(this.size, this.#isIncomplete);
  }

  async #appendLeaves(leaves: Uint8Array[]): Promise<void> {
    let done = 0;
    while (done < leaves.length) {
      await this.#reachSize();
      const next = Math.min(await this.#checkpoints.nextSize(), this.#keptSizes[0] ?? Infinity);
      const end = Math.min(leaves.length, done + next - this.size);
      this.replay.add(leaves.slice(done, end));
      done = end;
    }
  }

  // Keeps the frontier and checks the checkpoints of the present size.
  async #reachSize(): Promise<void> {
    while ((this.#keptSizes[0] ?? Infinity) <= this.size)
      this.#keptFrontiers.set(this.#keptSizes.shift() as number, this.replay.frontier);
    if ((await this.#checkpoints.nextSize()) > this.size) return;
    const logSizes = await this.#checkpoints.check(this.size, this.replay.frontier);
    this.#onLogSizes?.(logSizes);
  }
}

/** A row of the table `tree_tiles`. */
export interface StoredTile {
  tree: TreeName;
  level: number;
  index: number;
  width: number;
  hashes: Buffer;
  positions: Buffer | null;
  firstPosition: number | null;
}

/** The tiles that match an SQL condition, ordered by tree, level and index. */
export function streamTiles(
  client: PoolClient,
  condition: string,
  parameters: unknown[] = [],
): Peekable<StoredTile> {
  const sql = `SELECT tree, level, index, width, hashes, positions, first_position AS "firstPosition"
    FROM tree_tiles WHERE ${condition} ORDER BY tree, level, index`;
  return new Peekable(streamRows<StoredTile>(client, { sql, parameters, size: 64 }));
}

/** Adds a finding about a tile. */
export function addTile(
  findings: Findings,
  { tree, level, index }: Pick<StoredTile, 'tree' | 'level' | 'index'>,
  problem: string,
  count = 1,
): void {
  const message = `tile ${level}/${index} of ${tree === 'log' ? 'the log' : `"${tree}"`} ${problem}`;
  findings.add({ kind: 'tile', message, tree, level, index }, count);
}

/** What is wrong with the place and the width of a tile in a tree of `size` leaves; undefined when nothing is. */
export function shapeProblem({ level, index, width, hashes }: StoredTile, size: number): string | undefined {
  const expected = tileWidth(level, index, size);
  if (expected === 0) return 'should not exist';
  if (width !== expected || hashes.length !== expected * HASH_BYTES)
    return `has ${hashes.length / HASH_BYTES} hashes and says ${width}, and the tree gives it ${expected}`;
  return undefined;
}

/** The number of tiles of a tree of `size` leaves at a level. */
export function tileCount(level: number, size: number): number {
  return Math.ceil(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH);
}

/** Compares the stored tiles above level 0 of a tree of `size` leaves with the rebuilt tree, as far as that goes. */
export async function checkUpperTiles(
  tiles: AsyncIterable<StoredTile>,
  { tree, size, replay, findings }: { tree: TreeName; size: number; replay: Replay; findings: Findings },
): Promise<void> {
  const order = new TileOrder(tree, findings);
  for await (const tile of tiles) {
    order.add(tile);
    const problem = shapeProblem(tile, size) ?? contentProblem(tile, replay);
    if (problem) addTile(findings, tile, problem);
  }
  for (let level = 1; tileCount(level, size) > 0; level += 1)
    order.reportMissing(level, tileCount(level, size));
}

function contentProblem({ level, index, hashes, positions, firstPosition }: StoredTile, replay: Replay) {
  if (positions !== null || firstPosition !== null) return 'has positions, which only leaves have';
  const start = index * TILE_WIDTH;
  const known = replay.upper(level)?.slice(start, start + TILE_WIDTH) ?? Buffer.alloc(0);
  const common = Math.min(known.length, hashes.length);
  if (known.subarray(0, common).equals(hashes.subarray(0, common))) return undefined;
  const wrong = firstDifferentHash(known, hashes);
  const leaves = TILE_WIDTH ** level;
  const first = (start + wrong) * leaves;
  return `has a hash that is not that of the leaves ${first} to ${first + leaves - 1}`;
}

/** The index of the first hash that differs. */
export function firstDifferentHash(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return Math.floor(at / HASH_BYTES);
}

/** Finds missing tiles in the ordered tiles of one tree. */
export class TileOrder {
  readonly #tree: TreeName;
  readonly #findings: Findings;
  readonly #next = new Map<number, number>();

  constructor(tree: TreeName, findings: Findings) {
    this.#tree = tree;
    this.#findings = findings;
  }

  /** Adds the next tile of a level, and reports those that are missing before it. */
  add({ level, index }: { level: number; index: number }): void {
    this.reportMissing(level, index);
    this.#next.set(level, index + 1);
  }

  /** Reports the tiles that are missing before the index `end`. */
  reportMissing(level: number, end: number): void {
    const index = this.#next.get(level) ?? 0;
    if (index < end) addTile(this.#findings, { tree: this.#tree, level, index }, 'is missing', end - index);
  }
}
