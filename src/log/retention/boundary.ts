import type { ReadTime } from '../../db/clock.ts';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { AuditError } from '../../errors.ts';
import { readLatestCheckpoint } from '../../evidence/checkpoints.ts';

/**
 * The first position of the log, at least `first`, after removing the events recorded before a time (milliseconds since 1970
 * by the database's clock; infinity: all events). The age of an event is that of the first checkpoint that covers it, by the
 * database's clock: no earlier event in the log is younger, even if the clock of the instance that recorded it was wrong.
 * Events that no checkpoint covers stay.
 */
export async function findBoundary(pool: Pool, first: number, before: number): Promise<number> {
  const signed = (await readLatestCheckpoint(prismaOn(pool), 'log'))?.treeSize ?? 0;
  if (before === Number.POSITIVE_INFINITY) return Math.max(first, signed);
  let boundary = first;
  // A binary search: later checkpoints are larger.
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
  /** When its last event was recorded, by the clock of the instance; undefined when the event is removed. */
  recordedAt: number | undefined;
}

// By both clocks, because one of them may have been wrong at the time.
function isBefore({ signedAt, recordedAt }: SignedSize, time: number): boolean {
  return signedAt < time && recordedAt !== undefined && recordedAt < time;
}

/** The largest checkpoint of more than `low` and at most `high` events. */
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

/** The largest accepted difference, above network delays and the drift of synchronised clocks. */
const MAX_DIFFERENCE_MS = 60_000;

/** The clocks that a purge compares, both in milliseconds since 1970. */
export interface Clocks {
  /** Of this instance. */
  now: () => number;
  /** Of the database. */
  databaseNow: ReadTime;
}

/** Nothing is removed because the clocks differ. */
export class ClocksDifferError extends AuditError {}

/** The time by the database's clock. Throws a ClocksDifferError (UNAVAILABLE) when it differs from the instance's by over a minute. */
export async function readAgreedTime({ now, databaseNow }: Clocks): Promise<number> {
  const before = now();
  const time = await databaseNow();
  const after = now();
  const difference = Math.max(before - time, time - after, 0);
  if (difference <= MAX_DIFFERENCE_MS) return time;
  throw new ClocksDifferError(
    'UNAVAILABLE',
    `nothing is removed while the clocks of this instance and of the database differ by ${Math.round(difference / 1_000)} s`,
    undefined,
    MAX_DIFFERENCE_MS,
  );
}
