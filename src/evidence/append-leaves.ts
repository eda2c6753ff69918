import type { PoolClient } from 'pg';
import { copyRowsOn } from '../db/bulk-read.ts';
import { prismaWithin } from '../db/prisma.ts';
import {
  CanonicalRows,
  customerIdOf,
  leafHashOf,
  mostBytes,
  positionOf,
  ROW_COLUMNS,
} from '../log/read/canonical-row.ts';
import { equalHashes, leafHash } from '../merkle/hash.ts';
import { TILE_HEIGHT, TILE_WIDTH } from '../merkle/tile.ts';
import { extendFrontier, type Frontier } from '../merkle/tree.ts';
import { IntegrityError } from './integrity-alarms.ts';
import { type TreeName, treeOf } from './tree-names.ts';
import { encodePositions, readTrees, type TilePart, writeTiles, writeTrees } from './trees.ts';

const PAGE = 1_000;

/**
 * Reads the events from the size of the log's tree up to `end` from the database, computes their leaf hashes, and appends
 * these to the log's tree and to the customers' trees, in the caller's transaction. Returns the frontier of the log's tree.
 * Throws an IntegrityError at the first row that does not match its stored leaf hash.
 */
export async function appendLeaves(client: PoolClient, from: Frontier, end: number): Promise<Frontier> {
  const log = new GrowingTree('log', from);
  const customers = new Map<string, GrowingTree>();
  for (let start = from.size; start < end; start += PAGE) {
    const leaves = await readLeaves(client, start, Math.min(end, start + PAGE));
    log.add(
      leaves.map(({ hash }) => hash),
      [],
    );
    await appendCustomerLeaves(client, customers, { leaves, start });
  }
  const grown = [log, ...customers.values()];
  await writeTiles(
    client,
    grown.flatMap((tree) => tree.parts()),
  );
  await writeTrees(client, grown);
  return log.frontier;
}

async function appendCustomerLeaves(
  client: PoolClient,
  customers: Map<string, GrowingTree>,
  { leaves, start }: { leaves: readonly Leaf[]; start: number },
): Promise<void> {
  const owned = new Map<string, { hashes: Uint8Array[]; positions: number[] }>();
  leaves.forEach(({ customerId, hash }, index) => {
    if (customerId === undefined) return;
    const own = owned.get(customerId) ?? { hashes: [], positions: [] };
    own.hashes.push(hash);
    own.positions.push(start + index);
    owned.set(customerId, own);
  });
  const fresh = [...owned.keys()].filter((id) => !customers.has(id)).map(treeOf);
  if (fresh.length > 0) {
    for (const [name, frontier] of await readTrees(prismaWithin(client), fresh)) {
      customers.set(name.slice('customer/'.length), new GrowingTree(name, frontier));
    }
  }
  for (const [id, own] of owned) customers.get(id)?.add(own.hashes, own.positions);
}

/** A tree to which the leaves of one step are appended. */
export class GrowingTree {
  readonly name: TreeName;
  #frontier: Frontier;
  readonly #positions: number[] = [];
  /** Per tile level, the new nodes and the index of the first one. */
  readonly #added: { start: number; hashes: Uint8Array[] }[] = [];

  constructor(name: TreeName, frontier: Frontier) {
    this.name = name;
    this.#frontier = frontier;
  }

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** Appends leaves; `positions` are their positions in the log. */
  add(leafHashes: readonly Uint8Array[], positions: readonly number[]): void {
    if (this.name !== 'log') this.#positions.push(...positions);
    this.#frontier = extendFrontier(this.#frontier, leafHashes, (level, index, hash) => {
      if (level % TILE_HEIGHT === 0) this.#addNode(level / TILE_HEIGHT, index, hash);
    });
  }

  /** The hashes to append to the stored tiles. */
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
          ...this.#positionsOf(level, start + done === index * TILE_WIDTH, done, end),
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

  /** The positions of the added leaves `start` to `end` (exclusive), and the first one when they begin a tile. */
  #positionsOf(level: number, isBegin: boolean, start: number, end: number) {
    if (this.name === 'log' || level > 0) return { positions: undefined, firstPosition: undefined };
    const positions = this.#positions.slice(start, end);
    return { positions: encodePositions(positions), firstPosition: isBegin ? positions[0] : undefined };
  }
}

/** A leaf of the log, computed from the stored event. */
export interface Leaf {
  hash: Uint8Array;
  customerId: string | undefined;
}

const rows = new CanonicalRows();
let scratch = Buffer.alloc(65_536);

/**
 * Reads the events from position `start` (inclusive) to `end` (exclusive) and computes their leaf hashes. Throws an
 * IntegrityError at the first event that is missing or whose hash differs from the stored one.
 */
export async function readLeaves(client: PoolClient, start: number, end: number): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  const copyRows = copyRowsOn(client);
  const statement = `SELECT ${ROW_COLUMNS} FROM audit_events WHERE position >= ${start} AND position < ${end} ORDER BY position`;
  await copyRows(statement, (row) => {
    leaves.push(checkedLeaf(row, start + leaves.length));
    return true;
  });
  if (leaves.length < end - start) throw missingEvent(start + leaves.length);
  return leaves;
}

function checkedLeaf(row: Buffer, position: number): Leaf {
  if (positionOf(row) !== position) throw missingEvent(position);
  const hash = leafHashOfRow(row);
  if (!hash || !equalHashes(hash, leafHashOf(row)))
    throw new IntegrityError('changed', 'the event is not what its leaf hash says', position);
  return { hash, customerId: customerIdOf(row) };
}

// Undefined when the row has values that no event can have.
function leafHashOfRow(row: Buffer): Uint8Array | undefined {
  const most = mostBytes(row.length);
  try {
    if (scratch.length < most) scratch = Buffer.alloc(most);
    return leafHash(scratch.subarray(0, rows.write(row, scratch, 0)));
  } catch {
    return undefined;
  }
}

function missingEvent(position: number): IntegrityError {
  return new IntegrityError('missing', 'the event is missing', position);
}
