import type { PoolClient } from 'pg';
import { Peekable, streamRows } from '../../db/stream.ts';
import { HASH_BYTES } from '../../merkle/hash.ts';
import { TILE_WIDTH, tileWidth } from '../../merkle/tile.ts';
import type { TreeName } from '../trees.ts';
import type { Findings } from './findings.ts';
import type { Replay } from './replay.ts';

/** A row of the table of tiles. */
export interface StoredTile {
  tree: TreeName;
  level: number;
  index: number;
  width: number;
  hashes: Buffer;
  positions: Buffer | null;
  firstPosition: number | null;
}

/** The tiles that a condition lets through, by tree, level and index. */
export function streamTiles(
  client: PoolClient,
  condition: string,
  parameters: unknown[] = [],
): Peekable<StoredTile> {
  const sql = `SELECT tree, level, index, width, hashes, positions, first_position AS "firstPosition"
    FROM tree_tiles WHERE ${condition} ORDER BY tree, level, index`;
  return new Peekable(streamRows<StoredTile>(client, { sql, parameters, size: 64 }));
}

/** Says that a tile is not what it must be. */
export function addTile(
  findings: Findings,
  { tree, level, index }: Pick<StoredTile, 'tree' | 'level' | 'index'>,
  problem: string,
  count = 1,
): void {
  const message = `tile ${level}/${index} of ${tree === 'log' ? 'the log' : `"${tree}"`} ${problem}`;
  findings.add({ kind: 'tile', message, tree, level, index }, count);
}

/** What is wrong with the columns of a tile beside the hashes, in a tree of `size` leaves; undefined when nothing is. */
export function shapeProblem({ level, index, width, hashes }: StoredTile, size: number): string | undefined {
  const expected = tileWidth(level, index, size);
  if (expected === 0) return 'should not be there';
  if (width !== expected || hashes.length !== expected * HASH_BYTES)
    return `has ${hashes.length / HASH_BYTES} hashes and says ${width}, and the tree gives it ${expected}`;
  return undefined;
}

/** How many tiles a tree of `size` leaves has at a level. */
export function tileCount(level: number, size: number): number {
  return Math.ceil(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH);
}

/** Compares the tiles above level 0 of a tree of `size` leaves, whose beginning was grown again, with that. */
export async function checkUpperTiles(
  tiles: AsyncIterable<StoredTile>,
  { tree, size, replay, findings }: { tree: TreeName; size: number; replay: Replay; findings: Findings },
): Promise<void> {
  const order = new TileOrder(tree, findings);
  for await (const tile of tiles) {
    order.see(tile);
    const problem = shapeProblem(tile, size) ?? contentProblem(tile, replay);
    if (problem) addTile(findings, tile, problem);
  }
  for (let level = 1; tileCount(level, size) > 0; level += 1) order.end(level, tileCount(level, size));
}

function contentProblem({ level, index, hashes, positions, firstPosition }: StoredTile, replay: Replay) {
  if (positions !== null || firstPosition !== null) return 'has positions, which only leaves have';
  const start = index * TILE_WIDTH;
  const known = replay.upper(level)?.slice(start, start + TILE_WIDTH) ?? Buffer.alloc(0);
  const common = Math.min(known.length, hashes.length);
  if (known.subarray(0, common).equals(hashes.subarray(0, common))) return undefined;
  const wrong = firstDifference(known, hashes);
  const leaves = TILE_WIDTH ** level;
  const first = (start + wrong) * leaves;
  return `has a hash that is not that of the leaves ${first} to ${first + leaves - 1}`;
}

/** Which hash is the first to differ. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return Math.floor(at / HASH_BYTES);
}

/** Finds the tiles that are missing from those of one tree. */
export class TileOrder {
  readonly #tree: TreeName;
  readonly #findings: Findings;
  readonly #next = new Map<number, number>();

  constructor(tree: TreeName, findings: Findings) {
    this.#tree = tree;
    this.#findings = findings;
  }

  /** Takes the next tile of its level. */
  see({ level, index }: { level: number; index: number }): void {
    this.end(level, index);
    this.#next.set(level, index + 1);
  }

  /** Says that the level goes up to `end`, the last left out. */
  end(level: number, end: number): void {
    const index = this.#next.get(level) ?? 0;
    if (index < end) addTile(this.#findings, { tree: this.#tree, level, index }, 'is missing', end - index);
  }
}
