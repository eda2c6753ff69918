import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { readLatestCheckpoint } from '../integrity/checkpoints.ts';

/**
 * Where the log, which begins at `first` now, would begin without the events that were recorded before a time
 * (milliseconds since 1970 by the database's clock; infinity: up to now). The age of an event is that of the first
 * checkpoint that covers it, by the clock of the database at that moment: what stands before it in the log is no younger,
 * whatever the clock of the instance said that recorded it. What no signed checkpoint covers stays.
 */
export async function findBoundary(pool: Pool, first: number, before: number): Promise<number> {
  const signed = (await readLatestCheckpoint(prismaOn(pool), 'log'))?.treeSize ?? 0;
  if (before === Number.POSITIVE_INFINITY) return Math.max(first, signed);
  let boundary = first;
  // Later checkpoints are of larger trees: the last one of that age is found in as many steps as its size has bits.
  for (let [low, high] = [first, signed]; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    const found = await readCheckpointIn(pool, low, middle);
    if (found === undefined) low = middle;
    else if (isBefore(found, before)) [boundary, low] = [found.size, middle];
    else high = found.size - 1;
  }
  return boundary;
}

interface SignedSize {
  size: number;
  signedAt: number;
  /** When the last event in it was recorded, by the clock of the instance that did; undefined: it is gone. */
  recordedAt: number | undefined;
}

// Both clocks must say so: one of them may have been wrong at the time.
function isBefore({ signedAt, recordedAt }: SignedSize, time: number): boolean {
  return signedAt < time && recordedAt !== undefined && recordedAt < time;
}

/** The largest of the checkpoints of more than `low` events and at most `high`. */
async function readCheckpointIn(pool: Pool, low: number, high: number): Promise<SignedSize | undefined> {
  const { checkpoint, auditEvent } = prismaOn(pool);
  const found = await checkpoint.findFirst({
    where: { tree: 'log', treeSize: { gt: low, lte: high } },
    orderBy: { treeSize: 'desc' },
    select: { treeSize: true, signedAt: true },
  });
  if (!found) return undefined;
  const last = await auditEvent.findUnique({
    where: { position: found.treeSize - 1n },
    select: { recordedAt: true },
  });
  return {
    size: Number(found.treeSize),
    signedAt: found.signedAt.getTime(),
    recordedAt: last?.recordedAt.getTime(),
  };
}
