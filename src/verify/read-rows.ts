import type { PoolClient } from 'pg';
import { Prisma, type PrismaClient } from '../db/generated/client.ts';
import { prismaWithin } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { CHECKED_COLUMNS, type CheckedRow, checkRow, type StoredRow } from './rows.ts';
import { Thread } from './threads.ts';

/** The number of events per read: whole tiles. */
const PAGE = 8 * TILE_WIDTH;

/** Reads and checks the rows from position `start` (inclusive) to `end` (exclusive), in order. */
export type ReadRows = (start: number, end: number) => Promise<CheckedRow[]>;

/** The rows of one tile of level 0, in order. In a log that was tampered with, a position may occur twice. */
export interface RowBlock {
  index: number;
  rows: CheckedRow[];
}

/** Reads and checks rows in this thread. Through Prisma a row takes 1 µs longer than through `pg`, of 29 µs with its check. */
export function rowReader(db: Reads): ReadRows {
  const columns = Prisma.raw(CHECKED_COLUMNS);
  return async (start, end) => {
    const rows = await db.$queryRaw<StoredRow[]>(
      Prisma.sql`SELECT ${columns} FROM audit_events WHERE position >= ${start} AND position < ${end}
        ORDER BY audit_events.position`,
    );
    return rows.map(checkRow);
  };
}

/**
 * All rows of the log in blocks, including rows at impossible positions. Reads up to `ahead` pages in advance, and skips
 * gaps.
 */
export async function* readBlocks(
  prisma: PrismaClient,
  read: ReadRows,
  ahead: number,
): AsyncGenerator<RowBlock, void> {
  let at = await nextPage(prisma, Number.MIN_SAFE_INTEGER);
  const pages: Promise<CheckedRow[]>[] = [];
  while (at !== undefined) {
    while (pages.length <= ahead) pages.push(readQuietly(read, at + pages.length * PAGE));
    const rows: CheckedRow[] = (await pages.shift()) ?? [];
    if (rows.length > 0) {
      yield* blocksOf(rows);
      at += PAGE;
    } else {
      pages.length = 0;
      at = await nextPage(prisma, at);
    }
  }
}

// When another page fails first, this one is not awaited, and its rejection must not end the process.
function readQuietly(read: ReadRows, start: number): Promise<CheckedRow[]> {
  const page = read(start, start + PAGE);
  page.catch(() => undefined);
  return page;
}

async function nextPage(prisma: PrismaClient, start: number): Promise<number | undefined> {
  const next = await prisma.auditEvent.findFirst({
    where: { position: { gte: start } },
    orderBy: { position: 'asc' },
    select: { position: true },
  });
  return next ? Math.floor(Number(next.position) / TILE_WIDTH) * TILE_WIDTH : undefined;
}

function blocksOf(rows: readonly CheckedRow[]): RowBlock[] {
  const blocks: RowBlock[] = [];
  for (const row of rows) {
    const index = Math.floor(row.position / TILE_WIDTH);
    const last = blocks.at(-1);
    if (last?.index === index) last.rows.push(row);
    else blocks.push({ index, rows: [row] });
  }
  return blocks;
}

/** The data that a thread for reading rows gets. */
export interface RowThreadData {
  /** Where the database is. */
  url: string;
  /** The exported snapshot to read in. */
  snapshot: string;
}

/** Threads that read rows, each with its own connection. */
export interface RowThreads {
  /** Where the database is. */
  url: string;
  /** 0: this thread reads the rows. */
  count: number;
}

/** Reads rows; `ahead` is the number of pages to read in advance. */
export interface RowReading {
  read: ReadRows;
  ahead: number;
  end(): Promise<void>;
}

/**
 * Reads and checks rows in threads, all in the snapshot of the client's transaction; without threads in this thread, on the
 * client itself.
 */
export async function readRowsIn(client: PoolClient, threads: RowThreads | undefined): Promise<RowReading> {
  // Nothing is read in advance: the client runs one statement at a time, and other checks use it too.
  const prisma = prismaWithin(client);
  if (!threads || threads.count === 0)
    return { read: rowReader(prisma), ahead: 0, end: async () => undefined };
  const rows = await prisma.$queryRaw<{ snapshot: string }[]>`SELECT pg_export_snapshot() AS snapshot`;
  const data: RowThreadData = { url: threads.url, snapshot: rows[0]?.snapshot ?? '' };
  const file = new URL('./row-worker.js', import.meta.url);
  const own = Array.from(
    { length: threads.count },
    () => new Thread<[number, number], PackedRows>(file, data),
  );
  let next = 0;
  return {
    async read(start, end) {
      const thread = own[next % own.length] as (typeof own)[number];
      next += 1;
      return unpackRows(await thread.ask([start, end]));
    },
    ahead: 2 * own.length,
    async end() {
      await Promise.all(own.map((thread) => thread.end()));
    },
  };
}

/** Checked rows in a form that one thread transfers to another: the hashes concatenated in two buffers. */
export interface PackedRows {
  positions: Float64Array<ArrayBuffer>;
  /** The leaf hashes; zeros for a row without one. */
  leaves: Uint8Array<ArrayBuffer>;
  storedLeaves: Uint8Array<ArrayBuffer>;
  customerIds: (string | undefined)[];
  /** The rows without a leaf hash, with a stored hash of a wrong length or with a fault, by index. */
  faulty: Map<number, { hasLeaf: boolean; storedLeaf: Uint8Array; fault: string | undefined }>;
}

/** Packs rows. */
export function packRows(rows: readonly CheckedRow[]): PackedRows {
  const packed: PackedRows = {
    positions: Float64Array.from(rows, ({ position }) => position),
    leaves: new Uint8Array(rows.length * HASH_BYTES),
    storedLeaves: new Uint8Array(rows.length * HASH_BYTES),
    customerIds: rows.map(({ customerId }) => customerId),
    faulty: new Map(),
  };
  for (const [at, { leaf, storedLeaf, fault }] of rows.entries()) {
    if (leaf) packed.leaves.set(leaf, at * HASH_BYTES);
    const isWhole = storedLeaf.length === HASH_BYTES;
    if (isWhole) packed.storedLeaves.set(storedLeaf, at * HASH_BYTES);
    if (!leaf || !isWhole || fault !== undefined)
      packed.faulty.set(at, { hasLeaf: leaf !== undefined, storedLeaf: Uint8Array.from(storedLeaf), fault });
  }
  return packed;
}

/** Unpacks rows. */
export function unpackRows({
  positions,
  leaves,
  storedLeaves,
  customerIds,
  faulty,
}: PackedRows): CheckedRow[] {
  return Array.from(positions, (position, at) => {
    const known = faulty.get(at);
    const own = (hashes: Uint8Array) => hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    return {
      position,
      leaf: known && !known.hasLeaf ? undefined : own(leaves),
      storedLeaf: known ? known.storedLeaf : own(storedLeaves),
      customerId: customerIds[at],
      fault: known?.fault,
    };
  });
}
