import { setTimeout as delay } from 'node:timers/promises';
import { type ReadTime, timeOf } from '../../db/clock.ts';
import { prismaOn } from '../../db/prisma.ts';
import { AuditError } from '../../errors.ts';
import type { Caller } from '../append/record.ts';
import { readHead } from '../head.ts';
import { announcePurge, type PurgedLog } from './announce.ts';
import { ClocksDifferError, findBoundary, readAgreedTime } from './boundary.ts';
import { withPurgeLock } from './purge-lock.ts';
import { createRowRemover } from './remove-rows.ts';

const DAY_MS = 86_400_000;
/** The longest wait for an earlier purge, and again for the removal of the rows, which then goes on in the background. */
const LONGEST_WAIT_MS = 10_000;

export interface PurgeRequest {
  /** 0 removes everything up to now. */
  olderThanDays: number;
  /**
   * Whether a client requested it. Such a purge waits for others, may remove any share of the log, and is announced also when
   * there is nothing to remove.
   */
  isAsked: boolean;
  /** Aborting it before the announcement makes the purge fail; afterwards, the next start removes the rows. */
  stop?: AbortSignal;
}

/** The purges of an instance. */
export interface Purges {
  /**
   * Removes the events recorded more than `olderThanDays` days ago, one instance at a time. Resolves with their number when
   * nobody can read them any more. Throws UNAVAILABLE, also while the clocks differ, and a ShareTooLargeError.
   */
  purge(caller: Caller, request: PurgeRequest): Promise<number>;
  /** Aborts purges that are not announced yet; resolves when the current step of a removal has ended. */
  close(): Promise<void>;
}

/** The options of `createPurges`. */
export interface PurgesOptions extends PurgedLog {
  /** The largest share of the log, in percent, that the timer removes at once. */
  maxPercent: number;
  /** The database's clock; tests replace it. */
  databaseNow?: ReadTime | undefined;
  onError: (error: Error) => void;
}

/** The timer would remove a larger share of the log than RETENTION_MAX_PERCENT allows. */
export class ShareTooLargeError extends Error {
  override readonly name = 'RefusedShare';
}

/** Creates the purges of an instance, and removes the rows that earlier purges announced and did not remove. */
export function createPurges(options: PurgesOptions): Purges {
  const { pool, pipeline, onError } = options;
  const clocks = { now: pipeline.now, databaseNow: options.databaseNow ?? timeOf(pool) };
  const remover = createRowRemover(pool, onError);
  const stopping = new AbortController();
  // Purges of this instance wait here. In the database each would hold a connection, which the first one needs.
  let last: Promise<unknown> = Promise.resolve();

  /** Waits for the earlier purges of this instance, up to `LONGEST_WAIT_MS`. Resolves with a function that ends the turn. */
  async function waitForEarlier(): Promise<() => void> {
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
    const { firstPosition: from, frontier } = await readHead(prismaOn(pool));
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
      const endTurn = await waitForEarlier();
      const purged = await withPurgeLock(pool, lock, () => announce(caller, request)).finally(endTurn);
      // A requested purge also waits for the rows that earlier purges left.
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
  throw new ShareTooLargeError(
    `${purged} of ${events} events are due, which is more than RETENTION_MAX_PERCENT=${maxPercent} at once: ` +
      'nothing was removed. If that is intended, raise the limit or call purgeEvents',
  );
}

/** Whether a purge was refused for a reason that only an operator can change, and did not just fail. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ShareTooLargeError || error instanceof ClocksDifferError;
}
