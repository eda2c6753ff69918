import type { PoolClient } from 'pg';
import { streamRows } from '../db/bulk-read.ts';
import { Prisma, type PrismaClient } from '../db/generated/client.ts';
import { prismaWithin } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { equalHashes, HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { type Frontier, frontierLength, parseFrontier, rootOf, serializeFrontier } from '../merkle/tree.ts';
import type { Findings } from './findings.ts';
import { PURGE_ACTION, type ReadEvent, Removals, removalEventOf, UPGRADE_ACTION } from './removals.ts';
import type { TreeCheck } from './trees.ts';

/** The stored row of `log_head`. */
export interface StoredHead {
  size: number;
  rootHash: Uint8Array;
  frontier: Uint8Array;
  firstPosition: number;
  segmentBits: number;
}

/** The sizes of the log by its parts, which may contradict each other. */
export interface LogSizes {
  head: StoredHead | undefined;
  /** The row of the log's tree. */
  tree: { size: number; frontier: Uint8Array } | undefined;
  /** The first position after the events that retention removed. */
  first: number;
  /** The position after the last row. */
  rowsEnd: number;
  /** The number of leaves in the log's tree. */
  treeSize: number;
}

/** Reads the sizes. For the size of the tree, two of row, tiles and last checkpoint outweigh the third. */
export async function readSizes(prisma: PrismaClient): Promise<LogSizes> {
  const head = await readHeadRow(prisma);
  const { first, last } = await readEnds(prisma);
  const tree = await readTreeRow(prisma);
  return {
    head,
    tree,
    first: head?.firstPosition ?? numberOf(first),
    rowsEnd: numberOf(last ?? -1) + 1,
    treeSize: treeSizeOf(tree, await leavesInTiles(prisma), await lastSigned(prisma)),
  };
}

// A NULL, which only an attacker can store, is read as 0: checked like any other wrong size. Not a typed query, which reads the
// key of the table too: a finding says that a column is missing.
async function readHeadRow(db: Reads): Promise<StoredHead | undefined> {
  const [row] = await db.$queryRaw<StoredHead[]>(
    Prisma.sql`SELECT size::float8 AS size, root_hash AS "rootHash", frontier, first_position::float8 AS "firstPosition",
      segment_bits AS "segmentBits" FROM log_head`,
  );
  return row ? { ...row, size: numberOf(row.size), firstPosition: numberOf(row.firstPosition) } : undefined;
}

/** A stored number. An impossible one, which only an attacker can store, becomes one that is impossible too, but exact. */
function numberOf(stored: bigint | number | null): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number(stored), Number.MAX_SAFE_INTEGER));
}

// Not `aggregate`, whose subquery would make PostgreSQL read all rows instead of the ends of the index.
async function readEnds(db: Reads): Promise<{ first: number | null; last: number | null }> {
  const [ends] = await db.$queryRaw<{ first: number | null; last: number | null }[]>(
    Prisma.sql`SELECT min(position)::float8 AS first, max(position)::float8 AS last FROM audit_events`,
  );
  return ends ?? { first: null, last: null };
}

async function readTreeRow(prisma: PrismaClient): Promise<LogSizes['tree']> {
  const row = await prisma.tree.findFirst({
    where: { tree: 'log' },
    select: { size: true, frontier: true },
  });
  return row ? { size: numberOf(row.size), frontier: row.frontier } : undefined;
}

async function leavesInTiles(prisma: PrismaClient): Promise<number> {
  const last = await prisma.treeTile.findFirst({
    where: { tree: 'log', level: 0 },
    orderBy: { index: 'desc' },
    select: { index: true, hashes: true },
  });
  return last ? numberOf(last.index) * TILE_WIDTH + Math.floor(last.hashes.length / HASH_BYTES) : 0;
}

async function lastSigned(prisma: PrismaClient): Promise<number | undefined> {
  const last = await prisma.checkpoint.findFirst({
    where: { tree: 'log' },
    orderBy: { treeSize: 'desc' },
    select: { treeSize: true },
  });
  return last ? numberOf(last.treeSize) : undefined;
}

function treeSizeOf(tree: LogSizes['tree'], inTiles: number, signed: number | undefined): number {
  const said = tree?.size ?? 0;
  if (said === inTiles || inTiles === signed) return inTiles;
  if (said === signed) return said;
  const isItself = tree && said >= 0 && tree.frontier.length === frontierLength(said) * HASH_BYTES;
  return isItself ? said : inTiles;
}

/** The result of the walk over the log. */
export interface LogWalkResult {
  events: number;
  /** The rows after the size in the head. */
  rowsBeyondHead: { position: number; count: number } | undefined;
  /** Whether a row that no tile covers is wrong or missing, so that the head cannot be compared. */
  hasFaultOutsideTiles: boolean;
}

export interface HeadOptions {
  sizes: LogSizes;
  tree: TreeCheck;
  walked: LogWalkResult;
  findings: Findings;
}

/**
 * Compares the head with the rows. When their numbers differ, the root hash decides which of the two is wrong. With `end` as the
 * end of what rows and tree have, and `size` as the size in the head:
 *
 * | size                                        | finding                                |
 * | ------------------------------------------- | -------------------------------------- |
 * | smaller than the tree                       | the head is wrong                      |
 * | larger than `end`, its root is that of `end`| the head is wrong: its size            |
 * | larger than `end`, otherwise                | the events from `end` on are missing   |
 * | smaller than the rows, root is that of all  | the head is wrong: its size            |
 * | smaller than the rows, otherwise            | the rows from `size` on are unexpected |
 *
 * In the last case, and when the numbers agree, root hash and frontier are compared as well.
 */
export function checkHead({ sizes, tree, walked, findings }: HeadOptions): void {
  const { head, first, rowsEnd, treeSize } = sizes;
  const wrong = (message: string) => findings.add({ kind: 'head', message: `the head ${message}` });
  if (!head) {
    if (rowsEnd > 0 || treeSize > 0) wrong('is missing');
    return;
  }
  if (first < 0 || first > head.size) wrong(`says that the log begins at ${first}, of ${head.size} events`);
  const isRootAt = (size: number) => {
    const frontier = tree.frontierAt(size);
    return frontier !== undefined && equalHashes(rootOf(frontier), head.rootHash);
  };
  const end = Math.max(first, rowsEnd, treeSize);
  if (head.size < treeSize) {
    wrong(`says ${head.size} events, but the log's tree has ${treeSize}`);
  } else if (head.size > end) {
    if (isRootAt(end)) wrong(`says ${head.size} events, but its root hash is that of ${end}`);
    else addMissing(findings, end, head.size - end);
  } else if (walked.rowsBeyondHead && isRootAt(rowsEnd)) {
    wrong(`says ${head.size} events, but its root hash is that of ${rowsEnd}`);
  } else {
    if (walked.rowsBeyondHead) addExtra(findings, walked.rowsBeyondHead, head.size);
    // A fault outside the tiles has a finding of its own, and the root hash follows from it.
    if (!walked.hasFaultOutsideTiles || head.size <= treeSize)
      checkRoot(head, { frontier: tree.frontierAt(head.size), treeSize, findings });
  }
}

function addMissing(findings: Findings, position: number, count: number): void {
  const message = count > 1 ? `the event and the ${count - 1} after it are missing` : 'the event is missing';
  findings.add({ kind: 'missing', message, position }, count);
}

function addExtra(
  findings: Findings,
  { position, count }: NonNullable<LogWalkResult['rowsBeyondHead']>,
  size: number,
): void {
  const message = `unexpected row: the head says ${size} events`;
  findings.add({ kind: 'extra', message, position }, count);
}

function checkRoot(
  head: StoredHead,
  { frontier, treeSize, findings }: { frontier: Frontier | undefined; treeSize: number; findings: Findings },
): void {
  if (!frontier) return;
  const isRoot = equalHashes(rootOf(frontier), head.rootHash);
  const isFrontier = equalHashes(serializeFrontier(frontier), head.frontier);
  if (isRoot && isFrontier) return;
  const changed = isRoot || isFrontier ? undefined : firstChanged(head, frontier);
  if (changed !== undefined && changed.end > treeSize) {
    const position = Math.max(changed.start, treeSize);
    const message = `the events from here to position ${changed.end - 1} do not match the hash in the head`;
    findings.add({ kind: 'changed', message, position });
  } else {
    const what = isRoot ? 'frontier' : isFrontier ? 'root hash' : 'root hash and frontier';
    findings.add({ kind: 'head', message: `the ${what} of the head does not match the events` });
  }
}

// The first complete subtree that differs, when root hash and frontier of the head match.
function firstChanged(head: StoredHead, frontier: Frontier): { start: number; end: number } | undefined {
  const said = frontierOf(head);
  if (!said || !equalHashes(rootOf(said), head.rootHash)) return undefined;
  let start = 0;
  for (const [at, hash] of frontier.hashes.entries()) {
    const end = start + largestPower(frontier.size - start);
    if (!equalHashes(hash, said.hashes[at] as Uint8Array)) return { start, end };
    start = end;
  }
  return undefined;
}

function largestPower(size: number): number {
  let power = 1;
  while (power * 2 <= size) power *= 2;
  return power;
}

function frontierOf({ size, frontier }: StoredHead): Frontier | undefined {
  try {
    return parseFrontier(size, frontier);
  } catch {
    return undefined;
  }
}

/** Compares the row of the log's tree with the leaves. */
export function checkTreeRow({ sizes, tree, findings }: HeadOptions): void {
  const row = sizes.tree ?? { size: 0, frontier: Buffer.alloc(0) };
  const frontier = tree.frontierAt(sizes.treeSize);
  const isSame =
    row.size === sizes.treeSize && (!frontier || equalHashes(serializeFrontier(frontier), row.frontier));
  if (!isSame)
    findings.add({
      kind: 'tree',
      message: "the row of the log's tree is not what its leaves give",
      tree: 'log',
    });
}

/** Checks that the segments have the size in the head. */
export async function checkSegments(db: Reads, head: StoredHead, findings: Findings): Promise<void> {
  const [segment] = await db.$queryRaw<{ name: string }[]>(
    Prisma.sql`SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'audit_events'::regclass AND relname ~ '^s[0-9]{8,15}$'
       AND pg_get_expr(relpartbound, inhrelid) <> format('FOR VALUES FROM (%L) TO (%L)',
         substr(relname, 2)::bigint << ${head.segmentBits}, (substr(relname, 2)::bigint + 1) << ${head.segmentBits})
     ORDER BY relname LIMIT 1`,
  );
  if (segment)
    findings.add({
      kind: 'head',
      message: `the head says 2^${head.segmentBits} events in a segment, but ${segment.name} has others`,
    });
}

/**
 * Reads the removal events in the database, which the walk over the log verifies. `upgradedAt`: see `Removals`; by default
 * by the column in the database.
 */
export async function readRemovals(
  client: PoolClient,
  first: number,
  upgradedAt?: number,
): Promise<Removals> {
  const sql = `SELECT position, event_type, action, resource_type, details FROM audit_events
    WHERE position >= $1 AND resource_type = $2 AND action IN ($3, $4)`;
  const parameters = [first, SYSTEM_RESOURCE_TYPE, PURGE_ACTION, UPGRADE_ACTION];
  const removals = new Removals(upgradedAt ?? ((await isOlder(prismaWithin(client))) ? Infinity : undefined));
  const rows = streamRows<ReadEvent & { position: number }>(client, { sql, parameters, size: 500 });
  for await (const { position, ...event } of rows) removals.add(removalEventOf(event, position));
  return removals;
}

// Whether this version was never started on the database. Then the column may be missing too.
async function isOlder(db: Reads): Promise<boolean> {
  const rows = await db.$queryRaw<{ older: boolean }[]>(
    Prisma.sql`SELECT to_jsonb(log_head) ->> 'announced_from' IS NULL AS older FROM log_head`,
  );
  return rows[0]?.older ?? false;
}

/** Checks that an event announces the beginning of the log that is in the head. */
export function checkRemoval({
  sizes,
  tree,
  removals,
  findings,
}: {
  sizes: LogSizes;
  tree: TreeCheck;
  removals: Removals;
  findings: Findings;
}): void {
  // When events are missing or changed, the announcement may be one of them.
  if (findings.isAboutEvents) return;
  const found = removals.problemAt(sizes.first, (size) => {
    const frontier = tree.frontierAt(size);
    return frontier && Buffer.from(rootOf(frontier)).toString('hex');
  });
  if (found) findings.add(found, Math.max(1, sizes.first - (found.position ?? 0)));
}
