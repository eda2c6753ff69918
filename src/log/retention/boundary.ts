import type { ReadTime } from '../../db/clock.ts';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { AuditError } from '../../errors.ts';
import { readLatestCheckpoint } from '../../evidence/checkpoints.ts';

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

/** More is no delay of the network, and no drift that time synchronisation leaves. */
const MOST_MS = 60_000;

/** The clocks that a purge looks at, both in milliseconds since 1970. */
export interface Clocks {
  /** Of this instance. */
  now: () => number;
  /** Of the database. */
  databaseNow: ReadTime;
}

/** Nothing is removed, since the clocks differ. */
export class ClocksDifferError extends AuditError {}

/** The time by the database's clock. Throws ClocksDiffer, which is UNAVAILABLE, when that and the one of this instance differ by over a minute. */
export async function readAgreedTime({ now, databaseNow }: Clocks): Promise<number> {
  const before = now();
  const time = await databaseNow();
  const after = now();
  const difference = Math.max(before - time, time - after, 0);
  if (difference <= MOST_MS) return time;
  throw new ClocksDifferError(
    'UNAVAILABLE',
    `nothing is removed while the clocks of this instance and of the database differ by ${Math.round(difference / 1_000)} s`,
    undefined,
    MOST_MS,
  );
}
