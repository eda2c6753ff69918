import { Prisma, type PrismaClient } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Queryable, Reads } from '../db/queries.ts';
import { emptyFrontier, type Frontier, parseFrontier, rootOf, serializeFrontier } from '../merkle/tree.ts';

/** The head of the log: one row, which every append updates. */
export interface LogHead {
  frontier: Frontier;
  /** The oldest position that retention has not removed. */
  firstPosition: number;
  segmentBits: number;
}

/** Creates the head row of an empty log. An existing log keeps its head, including `segmentBits`. */
export async function createHead(pool: Pool, segmentBits: number): Promise<void> {
  await prismaOn(pool).logHead.createMany({
    data: {
      size: 0,
      rootHash: new Uint8Array(rootOf(emptyFrontier)),
      frontier: new Uint8Array(serializeFrontier(emptyFrontier)),
      firstPosition: 0,
      segmentBits,
      announcedFrom: 0,
    },
    skipDuplicates: true,
  });
}

/** The oldest position that retention has not removed. */
export async function readFirstPosition(db: Reads): Promise<number> {
  const [head] = await db.$queryRaw<{ first: number }[]>(FIRST);
  return head?.first ?? 0;
}

const FIRST = Prisma.sql`SELECT first_position::float8 AS first FROM log_head`;

/** The number of events, including purged ones. */
export async function readSize(pool: Pool): Promise<number> {
  return (await readHead(prismaOn(pool))).frontier.size;
}

/** Reads the head. */
export async function readHead(prisma: PrismaClient): Promise<LogHead> {
  return headOf(
    await prisma.logHead.findFirst({
      select: { size: true, frontier: true, firstPosition: true, segmentBits: true },
    }),
  );
}

/** Reads the head, and locks its row until the transaction of the client ends. */
export async function lockHead(client: Queryable): Promise<LogHead> {
  const { rows } = await client.query<StoredHead>(
    `SELECT size, frontier, first_position AS "firstPosition", segment_bits AS "segmentBits" FROM log_head FOR UPDATE`,
  );
  return headOf(rows[0]);
}

interface StoredHead {
  size: number | bigint;
  frontier: Uint8Array;
  firstPosition: number | bigint;
  segmentBits: number;
}

function headOf(row: StoredHead | null | undefined): LogHead {
  if (!row) throw new Error('the log has no head row: the database was not set up by this service');
  const { size, frontier, firstPosition, segmentBits } = row;
  return {
    frontier: parseFrontier(Number(size), frontier),
    firstPosition: Number(firstPosition),
    segmentBits,
  };
}
