import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import type { Queryable, Reads } from '../db/queries.ts';
import { emptyFrontier, type Frontier, parseFrontier, rootOf, serializeFrontier } from '../merkle/tree.ts';

/** The head of the log: one row, which every append updates. */
export interface LogHead {
  frontier: Frontier;
  /** The oldest position that retention has not removed. */
  firstPosition: number;
  segmentBits: number;
}

interface HeadRow {
  size: number;
  frontier: Buffer;
  first_position: number;
  segment_bits: number;
}

/** Creates the head row of an empty log. An existing log keeps its head, including `segmentBits`. */
export async function createHead(pool: Pool, segmentBits: number): Promise<void> {
  await pool.query(
    `INSERT INTO log_head (size, root_hash, frontier, first_position, segment_bits, announced_from)
     VALUES (0, $1, $2, 0, $3, 0)
     ON CONFLICT DO NOTHING`,
    [rootOf(emptyFrontier), serializeFrontier(emptyFrontier), segmentBits],
  );
}

/** The oldest position that retention has not removed. */
export async function readFirstPosition(db: Reads): Promise<number> {
  const [head] = await db.$queryRaw<{ first: number }[]>(FIRST);
  return head?.first ?? 0;
}

const FIRST = Prisma.sql`SELECT first_position::float8 AS first FROM log_head`;

/** Reads the head. With `lock`, locks the row until the transaction ends. */
export async function readHead(db: Queryable, { lock = false } = {}): Promise<LogHead> {
  const { rows } = await db.query<HeadRow>(
    `SELECT size, frontier, first_position, segment_bits FROM log_head${lock ? ' FOR UPDATE' : ''}`,
  );
  const row = rows[0];
  if (!row) throw new Error('the log has no head row: the database was not set up by this service');
  return {
    frontier: parseFrontier(row.size, row.frontier),
    firstPosition: row.first_position,
    segmentBits: row.segment_bits,
  };
}
