import type { PoolClient } from 'pg';
import { Prisma } from '../db/generated/client.ts';
import { prepared, type Reads } from '../db/queries.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { proveConsistency } from '../merkle/prove.ts';
import { nodesFromTiles, type ReadTiles, TILE_WIDTH, type Tile } from '../merkle/tile.ts';
import { emptyFrontier, type Frontier, parseFrontier, serializeFrontier } from '../merkle/tree.ts';
import { verifyConsistency } from '../merkle/verify-proof.ts';
import { IntegrityError } from './integrity-alarms.ts';
import type { TreeName } from './tree-names.ts';

interface TreeRow {
  tree: TreeName;
  size: number;
  frontier: Uint8Array;
}

/** The stored frontier of the log's tree; locks its row for the rest of the transaction. */
export async function lockLogTree(client: PoolClient): Promise<Frontier> {
  await client.query("INSERT INTO trees (tree, size, frontier) VALUES ('log', 0, '') ON CONFLICT DO NOTHING");
  const { rows } = await client.query<TreeRow>(
    "SELECT tree, size, frontier FROM trees WHERE tree = 'log' FOR UPDATE",
  );
  const row = rows[0] as TreeRow;
  return parseFrontier(row.size, row.frontier);
}

/** The stored frontiers of trees; a tree that does not exist yet is empty. */
export async function readTrees(db: Reads, names: readonly TreeName[]): Promise<Map<TreeName, Frontier>> {
  const rows = await db.$queryRaw<TreeRow[]>(
    prepared(
      Prisma.sql`SELECT tree, size::float8 AS size, frontier FROM trees WHERE tree = ANY(${names}::text[])`,
    ),
  );
  const found = new Map(rows.map((row) => [row.tree, parseFrontier(row.size, row.frontier)]));
  return new Map(names.map((name) => [name, found.get(name) ?? emptyFrontier]));
}

/** Stores the frontiers of trees. */
export async function writeTrees(
  client: PoolClient,
  trees: readonly { name: TreeName; frontier: Frontier }[],
): Promise<void> {
  await client.query(
    `INSERT INTO trees (tree, size, frontier) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])
     ON CONFLICT (tree) DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
    [
      trees.map(({ name }) => name),
      trees.map(({ frontier }) => frontier.size),
      trees.map(({ frontier }) => Buffer.from(serializeFrontier(frontier))),
    ],
  );
}

/** Hashes to append to a stored tile, which then has `width` hashes. */
export interface TilePart {
  tree: TreeName;
  level: number;
  index: number;
  width: number;
  hashes: Buffer;
  /** The positions in the log of a customer's leaves, as the tile stores them; undefined for all other tiles. */
  positions: Buffer | undefined;
  /** The position of the tile's first leaf, when these hashes begin the tile. */
  firstPosition: number | undefined;
}

/** Appends to the stored tiles. Throws an IntegrityError when a tile does not have the expected length afterwards. */
export async function writeTiles(client: PoolClient, parts: readonly TilePart[]): Promise<void> {
  const { rows } = await client.query<{ whole: boolean }>(
    `INSERT INTO tree_tiles AS tile (tree, level, index, width, hashes, positions, first_position)
     SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[],
       $7::bigint[])
     ON CONFLICT (tree, level, index) DO UPDATE SET width = excluded.width, hashes = tile.hashes || excluded.hashes,
       positions = tile.positions || excluded.positions
     RETURNING octet_length(hashes) = width * ${HASH_BYTES} AS whole`,
    [
      parts.map(({ tree }) => tree),
      parts.map(({ level }) => level),
      parts.map(({ index }) => index),
      parts.map(({ width }) => width),
      parts.map(({ hashes }) => hashes),
      parts.map(({ positions }) => positions ?? null),
      parts.map(({ firstPosition }) => firstPosition ?? null),
    ],
  );
  const wrong = parts[rows.findIndex(({ whole }) => !whole)];
  if (wrong) throw new IntegrityError('tile', `tile ${tileName(wrong)} has a wrong length`);
}

/** Reads tiles of a tree in the requested widths. Throws an IntegrityError when one is missing or too short. */
export function tileReader(db: Reads, tree: TreeName): ReadTiles {
  return async (tiles) => {
    const levels = tiles.map(({ level }) => level);
    const indexes = tiles.map(({ index }) => index);
    const rows = await db.$queryRaw<{ level: number; index: number; hashes: Uint8Array }[]>(
      prepared(Prisma.sql`SELECT level, index::float8 AS index, hashes FROM tree_tiles
        JOIN unnest(${levels}::smallint[], ${indexes}::bigint[]) AS wanted (level, index) USING (level, index)
        WHERE tree = ${tree}`),
    );
    const found = new Map(rows.map((row) => [`${row.level}/${row.index}`, row.hashes]));
    return tiles.map((tile) => cutTile(tree, tile, found.get(`${tile.level}/${tile.index}`)));
  };
}

function cutTile(tree: TreeName, tile: Tile, hashes: Uint8Array | undefined): Uint8Array {
  const length = tile.width * HASH_BYTES;
  if (!hashes || hashes.length < length) {
    throw new IntegrityError('tile', `tile ${tileName({ tree, ...tile })} is missing or too short`);
  }
  return hashes.subarray(0, length);
}

function tileName({ tree, level, index }: { tree: string; level: number; index: number }): string {
  return `${level}/${index} of the tree "${tree}"`;
}

/** The stored form of the positions of a customer's leaves: 8 bytes each, big-endian. */
export function encodePositions(positions: readonly number[]): Buffer {
  const bytes = Buffer.alloc(positions.length * 8);
  positions.forEach((position, at) => {
    bytes.writeBigUInt64BE(BigInt(position), at * 8);
  });
  return bytes;
}

/** The positions of a customer's leaves from their stored form. */
export function decodePositions(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, at) => Number(view.getBigUint64(at * 8)));
}

/** The leaf index in a tree of the event at each position; positions that the tree does not have (yet) are left out. */
export async function leafIndexesOf(
  db: Reads,
  tree: TreeName,
  positions: readonly number[],
): Promise<Map<number, number>> {
  if (tree === 'log') return new Map(positions.map((position) => [position, position]));
  const rows = await db.$queryRaw<{ index: number; positions: Uint8Array }[]>(
    Prisma.sql`SELECT DISTINCT tile.index::float8 AS index, tile.positions
      FROM unnest(${positions}::bigint[]) AS wanted (position)
      CROSS JOIN LATERAL (SELECT index, positions FROM tree_tiles
        WHERE tree = ${tree} AND first_position <= wanted.position ORDER BY first_position DESC LIMIT 1) AS tile`,
  );
  const wanted = new Set(positions);
  return new Map(
    rows.flatMap((tile) =>
      decodePositions(tile.positions).flatMap((position, offset) =>
        wanted.has(position) ? [[position, tile.index * TILE_WIDTH + offset] as const] : [],
      ),
    ),
  );
}

/** The positions in the log of the first `width` leaves of the tile `index`. */
export async function positionsOfLeaves(
  db: Reads,
  tree: TreeName,
  { index, width }: { index: number; width: number },
): Promise<number[]> {
  const start = index * TILE_WIDTH;
  if (tree === 'log') return Array.from({ length: width }, (_, offset) => start + offset);
  const rows = await db.$queryRaw<{ positions: Uint8Array }[]>(
    Prisma.sql`SELECT positions FROM tree_tiles WHERE tree = ${tree} AND level = 0 AND index = ${index}`,
  );
  return rows[0] ? decodePositions(rows[0].positions).slice(0, width) : [];
}

/** A tree at one size. */
export interface TreeState {
  size: number;
  rootHash: Uint8Array;
}

/** Whether the tree `to` begins with the tree `from`, which is not larger, by a proof from the stored tiles. */
export async function isConsistent(
  db: Reads,
  tree: TreeName,
  { from, to }: { from: TreeState; to: TreeState },
): Promise<boolean> {
  // Every tree begins with the empty tree; there is no proof for that.
  if (from.size === 0) return true;
  const proof = await proveConsistency(from.size, to.size, nodesFromTiles(to.size, tileReader(db, tree)));
  return verifyConsistency({ from, to, proof });
}
