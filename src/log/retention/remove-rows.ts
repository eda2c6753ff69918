import type { PoolClient } from 'pg';
import { Prisma } from '../../db/generated/client.ts';
import type { Pool } from '../../db/pool.ts';
import { prismaOn, prismaWithin } from '../../db/prisma.ts';
import { withPurgeLock } from './purge-lock.ts';

const RETRY_MS = 30_000;

/** Removes, in the background, the rows that purges have announced. */
export interface RowRemover {
  /** Removes the rows that are not in use. Retries the others until they are removed. */
  run(): Promise<void>;
  /** Resolves when the current batch or statement has ended. */
  close(): Promise<void>;
}

/** Creates the remover of an instance, which begins with the rows that an earlier process left. */
export function createRowRemover(pool: Pool, onError: (error: Error) => void): RowRemover {
  const remover = new RetryingRemover(pool, onError);
  void remover.run();
  return remover;
}

class RetryingRemover implements RowRemover {
  readonly #pool: Pool;
  readonly #onError: (error: Error) => void;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** Whether rows may have been announced since the last attempt began. */
  #isDue = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(pool: Pool, onError: (error: Error) => void) {
    this.#pool = pool;
    this.#onError = onError;
  }

  async run(): Promise<void> {
    if (this.#isStopped) return;
    this.#isDue = true;
    this.#running ??= this.#removeDue();
    await this.#running;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#retry);
    await this.#running;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #removeDue(): Promise<void> {
    let isDone = false;
    try {
      while (this.#isDue && !this.#isStopped) {
        this.#isDue = false;
        // When another instance is removing the rows, this one checks later whether it has finished.
        isDone = (await removeOldRows(this.#pool, this.#stopping.signal)) || !(await hasOldRows(this.#pool));
      }
    } catch (error) {
      if (!this.#isStopped) this.#onError(error as Error);
    }
    this.#running = undefined;
    clearTimeout(this.#retry);
    if (!isDone && !this.#isStopped)
      this.#retry = setTimeout(() => void this.run(), RETRY_MS * (0.5 + Math.random())).unref();
  }
}

const BATCH = 5_000;

/**
 * Timeouts in milliseconds. DETACH CONCURRENTLY waits for older transactions on the log without blocking others. Its last
 * step, and FINALIZE from the beginning, lock the log, which blocks the creation of a segment, and lock the segment, which
 * blocks readers in an old snapshot.
 */
const TIMEOUTS = {
  detach: { lock: 1_000, statement: 5_000 },
  finalize: { lock: 700, statement: 700 },
  drop: { lock: 700, statement: 5_000 },
} as const;

// SQLSTATE lock_not_available, query_canceled, deadlock_detected: another transaction uses the segment.
const IN_USE = new Set(['55P03', '57014', '40P01']);

/** A segment with events before the first position of the log. */
interface OldSegment {
  name: string;
  start: number;
  end: number;
  /** The first position of the log. */
  first: number;
  isAttached: boolean;
  /** Whether DETACH CONCURRENTLY was started and not finished. */
  isPending: boolean;
}

const OLD_SEGMENTS = Prisma.sql`SELECT relname AS name, (number << segment_bits)::float8 AS start,
    ((number + 1) << segment_bits)::float8 AS "end", first_position::float8 AS first,
    inhrelid IS NOT NULL AS "isAttached", coalesce(inhdetachpending, false) AS "isPending"
  FROM log_head, pg_catalog.pg_class
    CROSS JOIN LATERAL (SELECT substr(relname, 2)::bigint AS number) AS numbered
    LEFT JOIN pg_catalog.pg_inherits ON inhrelid = pg_class.oid AND inhparent = 'audit_events'::regclass
  WHERE relnamespace = 'audit_segments'::regnamespace AND relkind = 'r' AND relname ~ '^s[0-9]{8,15}$'
    AND number << segment_bits < first_position
  ORDER BY start`;

/**
 * Removes the rows before the first position of the log: detaches and drops whole segments, and deletes the other rows in
 * small transactions. It blocks readers and appends for at most a second. It continues a removal that was interrupted at any
 * step. Resolves with whether all rows are removed; segments that are in use, or that another instance is removing, are left
 * for the next call.
 */
export async function removeOldRows(pool: Pool, stop?: AbortSignal): Promise<boolean> {
  const removed = await withPurgeLock(pool, { name: 'removal', isPatient: false }, (client) =>
    remove(client, stop),
  );
  return removed ?? false;
}

/** Whether there are rows or segments before the first position of the log. */
export async function hasOldRows(pool: Pool): Promise<boolean> {
  for (const segment of await prismaOn(pool).$queryRaw<OldSegment[]>(OLD_SEGMENTS)) {
    if (isWhole(segment)) return true;
    if (segment.isAttached && (await firstRow(pool, segment)) !== undefined) return true;
  }
  return false;
}

async function remove(client: PoolClient, stop: AbortSignal | undefined): Promise<boolean> {
  const segments = await prismaWithin(client).$queryRaw<OldSegment[]>(OLD_SEGMENTS);
  let isDone = true;
  // PostgreSQL detaches one segment at a time, so a pending one comes first.
  for (const segment of segments.sort((a, b) => Number(b.isPending) - Number(a.isPending))) {
    if (stop?.aborted) return false;
    if (!isWhole(segment)) isDone = (await deleteRows(client, segment, stop)) && isDone;
    else if (!isDone && segment.isAttached) continue;
    else isDone = (await removeSegment(client, segment)) && isDone;
  }
  return isDone;
}

function isWhole({ end, first }: OldSegment): boolean {
  return end <= first;
}

/** Removes a whole segment; false when it is in use. */
async function removeSegment(
  client: PoolClient,
  { name, isAttached, isPending }: OldSegment,
): Promise<boolean> {
  const table = `audit_segments.${name}`;
  try {
    if (isPending)
      await runWithin(
        client,
        TIMEOUTS.finalize,
        `ALTER TABLE audit_events DETACH PARTITION ${table} FINALIZE`,
      );
    else if (isAttached)
      await runWithin(
        client,
        TIMEOUTS.detach,
        `ALTER TABLE audit_events DETACH PARTITION ${table} CONCURRENTLY`,
      );
    await runWithin(client, TIMEOUTS.drop, `DROP TABLE ${table}`);
    return true;
  } catch (error) {
    if (IN_USE.has((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
}

async function runWithin(
  client: PoolClient,
  { lock, statement }: { lock: number; statement: number },
  sql: string,
): Promise<void> {
  await client.query(`SET lock_timeout = ${lock}`);
  await client.query(`SET statement_timeout = ${statement}`);
  // A query of its own: several statements in one text are one transaction, in which DETACH CONCURRENTLY fails.
  await client.query(sql).finally(() => client.query('RESET statement_timeout'));
}

/** Deletes the rows before the first position from the segment that contains it; false when stopped. */
async function deleteRows(
  client: PoolClient,
  { start, first }: OldSegment,
  stop: AbortSignal | undefined,
): Promise<boolean> {
  for (let from: number | null = start; from !== null; ) {
    if (stop?.aborted) return false;
    from = await deleteBatch(client, from, first);
  }
  return true;
}

/** Deletes the next batch; resolves with the position to continue at, or null when no rows are left. */
async function deleteBatch(client: PoolClient, from: number, first: number): Promise<number | null> {
  await client.query('BEGIN');
  try {
    await client.query("SELECT set_config('audit_log.purging', 'on', true)");
    const { rows } = await client.query<{ next: number | null }>(
      `WITH gone AS (
         DELETE FROM audit_events WHERE position >= $1 AND position < $2 AND position < (
           SELECT max(position) + 1 FROM (SELECT position FROM audit_events WHERE position >= $1 AND position < $2
             ORDER BY position LIMIT ${BATCH}) AS batch)
         RETURNING position)
       SELECT max(position) + 1 AS next FROM gone`,
      [from, first],
    );
    await client.query('COMMIT');
    return rows[0]?.next ?? null;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function firstRow(pool: Pool, { start, first }: OldSegment): Promise<number | undefined> {
  const found = await prismaOn(pool).auditEvent.findFirst({
    where: { position: { gte: start, lt: first } },
    orderBy: { position: 'asc' },
    select: { position: true },
  });
  return found ? Number(found.position) : undefined;
}
