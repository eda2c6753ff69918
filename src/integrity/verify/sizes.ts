import type { PoolClient } from 'pg';
import { HASH_BYTES } from '../../merkle/hash.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import { frontierLength } from '../../merkle/tree.ts';

/** The head row as it is stored. */
export interface StoredHead {
  size: number;
  rootHash: Buffer;
  frontier: Buffer;
  firstPosition: number;
  segmentBits: number;
}

/** How large the log is, as far as its parts agree. */
export interface LogSizes {
  head: StoredHead | undefined;
  /** The row of the log's tree. */
  tree: { size: number; frontier: Buffer } | undefined;
  /** The first position that retention left. */
  first: number;
  /** Behind the last row. */
  rowsEnd: number;
  /** How many leaves the tiles hold. */
  grown: number;
}

/** Reads the sizes; where they contradict each other, two of three are believed. */
export async function readSizes(client: PoolClient): Promise<LogSizes> {
  const head = await readHeadRow(client);
  const rows = await client.query<{ first: number | null; last: number | null }>(
    'SELECT min(position) AS first, max(position) AS last FROM audit_events',
  );
  const { first, last } = rows.rows[0] ?? { first: null, last: null };
  const tree = await client.query<{ size: number; frontier: Buffer }>(
    "SELECT size, frontier FROM trees WHERE tree = 'log'",
  );
  return {
    head,
    tree: tree.rows[0],
    first: head?.firstPosition ?? first ?? 0,
    rowsEnd: (last ?? -1) + 1,
    grown: grownOf(tree.rows[0], await leavesInTiles(client), await lastSigned(client)),
  };
}

async function readHeadRow(client: PoolClient): Promise<StoredHead | undefined> {
  const { rows } = await client.query<StoredHead>(
    `SELECT size, root_hash AS "rootHash", frontier, first_position AS "firstPosition", segment_bits AS "segmentBits"
     FROM log_head`,
  );
  return rows[0];
}

async function leavesInTiles(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ index: number; bytes: number }>(
    `SELECT index, octet_length(hashes) AS bytes FROM tree_tiles WHERE tree = 'log' AND level = 0
     ORDER BY index DESC LIMIT 1`,
  );
  const last = rows[0];
  return last ? last.index * TILE_WIDTH + Math.floor(last.bytes / HASH_BYTES) : 0;
}

async function lastSigned(client: PoolClient): Promise<number | undefined> {
  const { rows } = await client.query<{ size: number }>(
    "SELECT tree_size AS size FROM checkpoints WHERE tree = 'log' ORDER BY tree_size DESC LIMIT 1",
  );
  return rows[0]?.size;
}

function grownOf(tree: LogSizes['tree'], inTiles: number, signed: number | undefined): number {
  const said = tree?.size ?? 0;
  if (said === inTiles || inTiles === signed) return inTiles;
  if (said === signed) return said;
  const isItself = tree && said >= 0 && tree.frontier.length === frontierLength(said) * HASH_BYTES;
  return isItself ? said : inTiles;
}
