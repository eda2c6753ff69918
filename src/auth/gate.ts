import pLimit from 'p-limit';
import { type CopyRows, createCopyRows } from '../db/bulk-read.ts';
import type { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { longPrismaOn, prismaAsCustomer } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { AuditError } from '../errors.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Principal } from './principal.ts';

/** The one gate for reads: narrows a filter to what the principal may see. Every read of events passes its answer on. */
export function visibleTo(principal: Principal, filter: EventFilter = {}): EventFilter[] {
  return principal.customerId === undefined ? [filter] : [filter, { customerId: principal.customerId }];
}

/**
 * The customer whose tree the principal's evidence is of; undefined: the log's own, which only those may see who see all.
 * Throws FORBIDDEN for another customer than the one that the principal is bound to.
 */
export function visibleTree(principal: Principal, customerId?: string | null): string | undefined {
  if (principal.customerId === undefined) return customerId ?? undefined;
  if (customerId != null && customerId !== principal.customerId)
    throw new AuditError('FORBIDDEN', 'the API key is bound to another customer', 'customerId');
  return principal.customerId;
}

/**
 * The one gate for writes: whoever is bound to a customer writes for that customer alone. Fills in an absent customer,
 * before anything else looks at the event; throws FORBIDDEN at `path` for another one.
 */
export function boundTo<Input extends { customerId?: string | null | undefined }>(
  { customerId }: Principal,
  input: Input,
  path: string,
): Input {
  if (customerId === undefined || input.customerId === customerId) return input;
  if (input.customerId == null) return { ...input, customerId };
  throw new AuditError('FORBIDDEN', 'is not the customer of this API key', `${path}.customerId`);
}

/** Where a principal's reads run: the second wall behind `visibleTo`. */
export type Reader = Reads;

// More quick statements at a time than PostgreSQL and this process have cores for only take those from one another.
const QUICK_READS = 4;
const QUICK_MS = 50;

/** Where a bound principal reads; undefined for one who sees all. */
export function guardedReaderOf(
  pool: Pool,
  { customerId }: Pick<Principal, 'customerId'>,
): Reader | undefined {
  return customerId === undefined ? undefined : boundReader(pool, customerId);
}

function boundReader(pool: Pool, customerId: string): Reader {
  const prisma = prismaAsCustomer(pool, customerId);
  return { customerId, $queryRaw: (sql) => prisma.$queryRaw(sql) };
}

/**
 * Makes the readers of principals. A bound principal reads under row-level security, which lets no foreign row out even if a
 * filter were forgotten. Four statements run at a time, beside those that have taken longer than 50 ms already.
 */
export function createReaders(pool: Pool): (principal: Pick<Principal, 'customerId'>) => Reader {
  const limitReads = createQuickLimiter(QUICK_READS, QUICK_MS);
  return (principal) => {
    const reader: Reader = guardedReaderOf(pool, principal) ?? longPrismaOn(pool);
    return {
      ...(principal.customerId !== undefined && { customerId: principal.customerId }),
      // Prisma sends it when somebody waits for it.
      $queryRaw: <Rows>(sql: Prisma.Sql) => limitReads(async () => await reader.$queryRaw<Rows>(sql)),
    };
  };
}

/** Copies rows where the principal may read. */
export function copyRowsOf(pool: Pool, { customerId }: Pick<Principal, 'customerId'>): CopyRows {
  return createCopyRows(pool, customerId);
}

/**
 * Makes a limiter that runs `count` functions at a time, the others in the order of their calls. A function holds its slot
 * until its promise settles, and for `maxHoldMs` at most: then slow work does not delay quick work.
 */
export function createQuickLimiter(
  count: number,
  maxHoldMs: number,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const limit = pLimit(count);
  return (work) =>
    new Promise((resolve) => {
      void limit(async () => {
        const running = work();
        resolve(running);
        await settledWithin(running, maxHoldMs);
      });
    });
}

function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const onSettled = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(onSettled, onSettled);
  });
}
