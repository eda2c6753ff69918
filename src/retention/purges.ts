import { setTimeout as delay } from 'node:timers/promises';
import { type ReadTime, timeOf } from '../db/clock.ts';
import { AuditError } from '../errors.ts';
import { readHead } from '../log/head.ts';
import type { Caller } from '../pipeline/own.ts';
import { announcePurge, type PurgedLog } from './announce.ts';
import { findBoundary } from './boundary.ts';
import { ClocksDiffer, readAgreedTime } from './clocks.ts';
import { withLock } from './lock.ts';
import { createRemover } from './remover.ts';

const DAY_MS = 86_400_000;
/** How long a purge waits for another, and then for the rows to be gone, before it leaves them to the background. */
const LONGEST_WAIT_MS = 10_000;

export interface PurgeRequest {
  /** 0: everything up to now. */
  olderThanDays: number;
  /**
   * Somebody asked for it: it waits for its turn, may remove any share of the log, and is an event also when there is
   * nothing to remove.
   */
  isAsked: boolean;
  /** Aborted: it fails before it has announced anything, or leaves the rows to the next start. */
  stop?: AbortSignal;
}

/** The purges of an instance. */
export interface Purges {
  /**
   * Removes what was recorded more than so many days ago, one instance at a time, and resolves with how many events that
   * were when nobody can read them any more. Throws UNAVAILABLE, also while the clocks differ, and a RefusedShare.
   */
  purge(caller: Caller, request: PurgeRequest): Promise<number>;
  /** Ends purges that have announced nothing yet; resolves when the removal under way has ended its step. */
  close(): Promise<void>;
}

/** What they stand on. */
export interface PurgesOptions extends PurgedLog {
  /** The largest share of the log, in percent, that is removed at once without being asked for. */
  maxPercent: number;
  /** Of the database; another one in tests. */
  databaseNow?: ReadTime | undefined;
  onError: (error: Error) => void;
}

/** A purge that nobody asked for would have removed a larger share of the log than the settings allow. */
export class RefusedShare extends Error {
  override readonly name = 'RefusedShare';
}

/** Makes the purges of an instance, and removes what earlier ones have announced and not removed. */
export function createPurges(options: PurgesOptions): Purges {
  const { pool, pipeline, onError } = options;
  const clocks = { now: pipeline.now, databaseNow: options.databaseNow ?? timeOf(pool) };
  const remover = createRemover(pool, onError);
  const stopping = new AbortController();
  // Those of this instance wait here: each that waits in the database holds a connection that the first one needs.
  let last: Promise<unknown> = Promise.resolve();

  /** Waits for the purges of this instance that were asked for before; not for ever. */
  async function waitForTurn(): Promise<() => void> {
    const before = last;
    let end = () => {};
    last = Promise.all([before, new Promise<void>((resolve) => (end = resolve))]);
    const isMine = await Promise.race([before.then(() => true), longestWait(stopping.signal)]);
    if (isMine) return end;
    end();
    throw new AuditError('UNAVAILABLE', 'another purge is under way: retry later');
  }

  async function announce(caller: Caller, request: PurgeRequest): Promise<number> {
    const { olderThanDays, isAsked } = request;
    const stop = request.stop ? AbortSignal.any([request.stop, stopping.signal]) : stopping.signal;
    const time = await readAgreedTime(clocks);
    const before = olderThanDays === 0 ? Number.POSITIVE_INFINITY : time - olderThanDays * DAY_MS;
    const { firstPosition: from, frontier } = await readHead(pool);
    const firstPosition = await findBoundary(pool, from, before);
    if (!isAsked) {
      if (firstPosition === from) return 0;
      checkShare(firstPosition - from, frontier.size - from, options.maxPercent);
    }
    await announcePurge({ pool, pipeline }, caller, { from, firstPosition, olderThanDays }, stop);
    return firstPosition - from;
  }

  return {
    async purge(caller, request) {
      const lock = { name: 'purge', isPatient: request.isAsked } as const;
      const endTurn = await waitForTurn();
      const purged = await withLock(pool, lock, () => announce(caller, request)).finally(endTurn);
      // A requested purge also waits for rows that earlier purges have left.
      if (purged || request.isAsked) await Promise.race([remover.run(), longestWait(request.stop)]);
      return purged ?? 0;
    },
    async close() {
      stopping.abort(new AuditError('UNAVAILABLE', 'the service is stopping: retry'));
      await remover.close();
    },
  };
}

async function longestWait(signal: AbortSignal | undefined): Promise<undefined> {
  const options = { ref: false, ...(signal && { signal }) };
  await delay(LONGEST_WAIT_MS, undefined, options).catch(() => undefined);
}

function checkShare(purged: number, events: number, maxPercent: number): void {
  const percent = (100 * purged) / events;
  if (percent <= maxPercent) return;
  throw new RefusedShare(
    `${purged} of ${events} events are due, which is more than RETENTION_MAX_PERCENT=${maxPercent} at once: ` +
      'nothing was removed. Look whether that is meant; then raise it, or call purgeEvents',
  );
}

/** Whether a purge was refused for a reason that only people can change, in distinction to one that failed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RefusedShare || error instanceof ClocksDiffer;
}
