import type { PoolClient } from 'pg';
import { Prisma } from '../db/generated/client.ts';
import { prepared } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import type { ReadTiles, Tile } from '../merkle/tile.ts';
import { IntegrityError } from './integrity-error.ts';
import type { TreeName } from './trees.ts';

/** Hashes to add at the end of a stored tile, which has `width` of them afterwards. */
export interface TilePart {
  tree: TreeName;
  level: number;
  index: number;
  width: number;
  hashes: Buffer;
  /** Of a customer's leaves: their positions in the log, as the tile stores them. */
  positions: Buffer | undefined;
  /** The position of the tile's first leaf, when this part begins the tile. */
  firstPosition: number | undefined;
}

/** Adds to the stored tiles. Throws an IntegrityError when one of them is not as long as it must be. */
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
  if (wrong) throw new IntegrityError('tile', `tile ${nameOf(wrong)} has a wrong length`);
}

/** Reads tiles of a tree, as wide as they are asked for. Throws an IntegrityError when one is missing or too short. */
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
    return tiles.map((tile) => cut(tree, tile, found.get(`${tile.level}/${tile.index}`)));
  };
}

function cut(tree: TreeName, tile: Tile, hashes: Uint8Array | undefined): Uint8Array {
  const length = tile.width * HASH_BYTES;
  if (!hashes || hashes.length < length) {
    throw new IntegrityError('tile', `tile ${nameOf({ tree, ...tile })} is missing or too short`);
  }
  return hashes.subarray(0, length);
}

function nameOf({ tree, level, index }: { tree: string; level: number; index: number }): string {
  return `${level}/${index} of the tree "${tree}"`;
}

/** The bytes that a customer's tile stores for the positions of its leaves. */
export function encodePositions(positions: readonly number[]): Buffer {
  const bytes = Buffer.alloc(positions.length * 8);
  positions.forEach((position, at) => {
    bytes.writeBigUInt64BE(BigInt(position), at * 8);
  });
  return bytes;
}

/** The positions of a tile's leaves, from the bytes that are stored. */
export function decodePositions(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, at) => Number(view.getBigUint64(at * 8)));
}
