import type { PoolClient } from 'pg';
import { Peekable, streamRows } from '../db/bulk-read.ts';
import { Prisma } from '../db/generated/client.ts';
import { prismaWithin } from '../db/prisma.ts';
import { type TreeName, treeOf } from '../evidence/tree-names.ts';
import { decodePositions } from '../evidence/trees.ts';
import { equalHashes, HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { serializeFrontier } from '../merkle/tree.ts';
import { CheckpointCheck, type CheckpointRow, streamCheckpoints } from './checkpoints.ts';
import { EventChain, type EventOwners } from './event-owners.ts';
import { Findings } from './findings.ts';
import type { LogSizes } from './head.ts';
import { addTile, checkUpperTiles, type StoredTile, streamTiles, TileOrder, TreeCheck } from './trees.ts';
import type { SavedCheckpoint, Trust } from './trust.ts';

const PREFIX = 'customer/';

export interface CustomersOptions {
  client: PoolClient;
  trust: Trust | undefined;
  saved: readonly SavedCheckpoint[];
  findings: Findings;
  sizes: LogSizes;
  owners: EventOwners;
}

interface CustomerTreeRow {
  tree: TreeName;
  /** Null when the tree has no row. */
  size: number | null;
  frontier: Buffer | null;
}

// Every tree with a stored row, tile or checkpoint, or a saved checkpoint, in the order of the other streams.
const TREES = `SELECT tree, size, frontier FROM (
    SELECT tree FROM trees UNION SELECT tree FROM tree_tiles UNION SELECT tree FROM checkpoints
    UNION SELECT unnest($1::text[])
  ) AS names LEFT JOIN trees USING (tree) WHERE tree <> 'log' ORDER BY tree`;

/** Compares the customers' trees, tiles and checkpoints with the log. Returns the numbers of trees and checkpoints. */
export async function checkCustomers(
  options: CustomersOptions,
): Promise<{ trees: number; checkpoints: number }> {
  const { client, findings, owners, saved } = options;
  const checked = { trees: 0, checkpoints: 0 };
  if (owners.hasTooManyWithoutOwner) return checked;
  const tiles = streamTiles(client, "tree <> 'log'");
  const checkpoints = streamCheckpoints(client, 'others');
  const statement = { sql: TREES, parameters: [saved.map(({ tree }) => tree)], size: 500 };
  for await (const row of streamRows<CustomerTreeRow>(client, statement)) {
    checked.trees += 1;
    checked.checkpoints += await checkCustomer(options, row, { tiles, checkpoints });
  }
  for (const customerId of owners.rest()) {
    const tree = treeOf(customerId);
    findings.add({ kind: 'tree', message: `the tree "${tree}" is missing`, tree });
  }
  return checked;
}

async function checkCustomer(
  options: CustomersOptions,
  row: CustomerTreeRow,
  { tiles, checkpoints }: { tiles: Peekable<StoredTile>; checkpoints: Peekable<CheckpointRow> },
): Promise<number> {
  const { findings, owners } = options;
  const { tree } = row;
  // Comparisons with a tree whose leaves are wrong are dropped.
  const compared = new Findings();
  const leaves = new CustomerLeaves({ ...options, tree });
  const checkpointCheck = new CheckpointCheck({ ...options, tree, stored: checkpoints, compared });
  const check: TreeCheck = new TreeCheck(checkpointCheck, {
    onLogSizes: (logSizes) => checkLogSizes(logSizes, { tree, size: check.size, leaves, compared }),
  });
  for await (const tile of tiles.while((next) => next.tree === tree && next.level === 0))
    await check.add(await leaves.read(tile));
  const own = tiles.while((next) => next.tree === tree);
  await checkUpperTiles(own, { tree, size: check.size, replay: check.replay, findings: compared });
  await check.finish();
  checkCustomerTreeRow(row, check, compared);
  const isSame = tree.startsWith(PREFIX) && owners.take(tree.slice(PREFIX.length)).equals(leaves.chain);
  if (!tree.startsWith(PREFIX))
    findings.add({ kind: 'tree', message: `"${tree}" is no tree of this log`, tree });
  else if (!isSame) await locateDifference({ ...options, tree });
  else if (!leaves.contradictsLog) findings.addAll(compared);
  return checkpointCheck.checked;
}

interface LogSizeCheck {
  tree: TreeName;
  size: number;
  leaves: CustomerLeaves;
  compared: Findings;
}

function checkLogSizes(logSizes: readonly number[], { tree, size, leaves, compared }: LogSizeCheck): void {
  for (const logSize of logSizes) {
    if (leaves.coversExactly(size, logSize)) continue;
    const message = `a checkpoint leaves out or has too many of the events before position ${logSize}`;
    compared.add({ kind: 'checkpoint', message, tree, treeSize: size });
  }
}

function checkCustomerTreeRow(
  { tree, size, frontier }: CustomerTreeRow,
  { replay }: TreeCheck,
  compared: Findings,
): void {
  const grown = replay.frontier;
  const isSame =
    (size ?? 0) === grown.size && equalHashes(serializeFrontier(grown), frontier ?? Buffer.alloc(0));
  if (!isSame)
    compared.add({
      kind: 'tree',
      message: `the row of the tree "${tree}" is not what its leaves give`,
      tree,
    });
}

export interface CustomerLeavesOptions {
  client: PoolClient;
  tree: TreeName;
  sizes: LogSizes;
  owners: EventOwners;
  findings: Findings;
}

/** Reads the leaves of a customer's tree from its tiles and compares them with the log. */
export class CustomerLeaves {
  /** The events of the tree, except those whose rows are wrong or gone. */
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

  /** Whether a leaf of an event without a valid row differs from the leaf in the log's tile. */
  get contradictsLog(): boolean {
    return this.#contradictsLog;
  }

  /** The leaves of the next tile of level 0; undefined for a leaf that the tile does not contain in full. */
  async read(tile: StoredTile): Promise<(Uint8Array | undefined)[]> {
    const { findings } = this.#options;
    this.#order.add(tile);
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

  /** Whether the first `size` leaves, at most as many as were read, are exactly the events before position `logSize`. */
  coversExactly(size: number, logSize: number): boolean {
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

  // The leaves of events that have no valid row: those that retention removed, and those that are wrong.
  async #knownLeaves(): Promise<Map<number, Uint8Array | undefined>> {
    const { client, sizes, owners } = this.#options;
    const isPurged = (position: number) => position < sizes.first || position >= sizes.treeSize;
    const purged = this.#positions.filter(isPurged);
    const withoutOwner = this.#positions.filter(
      (position) => owners.isWithoutOwner(position) && !isPurged(position),
    );
    const leaves = new Map(withoutOwner.map((position) => [position, owners.leafWithoutOwner(position)]));
    // A position that is not in the log's tiles is wrong: no leaf hash is all zeros.
    for (const position of purged) leaves.set(position, Buffer.alloc(HASH_BYTES));
    if (purged.length === 0) return leaves;
    const rows = await prismaWithin(client).$queryRaw<{ position: number; leaf: Uint8Array }[]>(
      Prisma.sql`SELECT position::float8 AS position,
          substring(hashes FROM (position % ${TILE_WIDTH})::int * ${HASH_BYTES} + 1 FOR ${HASH_BYTES}) AS leaf
        FROM unnest(${purged.filter(Number.isSafeInteger)}::bigint[]) AS position
        JOIN tree_tiles ON tree = 'log' AND level = 0 AND index = position / ${TILE_WIDTH}`,
    );
    for (const { position, leaf } of rows) leaves.set(position, leaf);
    return leaves;
  }
}

interface PlacedLeaf {
  position: number;
  leaf: Uint8Array;
  /** The index of its tile. */
  tile: number;
}

/** Finds the first tile of a customer's tree that differs from the rows of the log, and adds the finding. */
export async function locateDifference(options: CustomerLeavesOptions): Promise<void> {
  const { client, tree, sizes, owners, findings } = options;
  const sql = `SELECT position, leaf_hash AS leaf FROM audit_events
    WHERE customer_id = $1 AND position >= $2 AND position < $3 ORDER BY position`;
  const parameters = [tree.slice('customer/'.length), sizes.first, sizes.treeSize];
  const stored = streamRows<{ position: number; leaf: Buffer }>(client, { sql, parameters, size: 1_000 });
  const rows = new Peekable(stored);
  let tile = 0;
  for await (const found of leavesIn(streamTiles(client, 'tree = $1 AND level = 0', [tree]))) {
    const { position } = found;
    tile = found.tile;
    if (position < sizes.first || position >= sizes.treeSize || owners.isWithoutOwner(position)) continue;
    for await (const _ of rows.while((row) => owners.isWithoutOwner(row.position)));
    const row = await rows.take();
    if (row?.position === position && equalHashes(row.leaf, found.leaf)) continue;
    const problem = row ? `is not right about the event at position ${row.position}` : 'has too many leaves';
    return addTile(findings, { tree, level: 0, index: tile }, problem);
  }
  const missing = await rows.take();
  addTile(
    findings,
    { tree, level: 0, index: tile },
    `ends before the event at position ${missing?.position}`,
  );
}

async function* leavesIn(tiles: Peekable<StoredTile>): AsyncGenerator<PlacedLeaf, void> {
  for await (const { index, positions, hashes } of tiles.while(() => true)) {
    for (const [at, position] of decodePositions(positions ?? Buffer.alloc(0)).entries())
      yield { position, leaf: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES), tile: index };
  }
}
