import pLimit from 'p-limit';
import { type CopyRows, createCopyRows } from '../db/bulk-read.ts';
import type { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { longPrismaOn, prismaAsCustomer } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { withDeadline } from '../deadline.ts';
import { AuditError } from '../errors.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Principal } from './principal-and-scopes.ts';

/**
 * The one gate for reads: narrows a filter to what the principal may see. Every read of events uses the filters it
 * returns.
 */
export function visibleTo(principal: Principal, filter: EventFilter = {}): EventFilter[] {
  return principal.customerId === undefined ? [filter] : [filter, { customerId: principal.customerId }];
}

/**
 * The customer whose Merkle tree the principal may see evidence of. Undefined: the tree of the whole log, which a
 * principal bound to a customer may not see. Throws FORBIDDEN for a customer that the principal is not bound to.
 */
export function visibleTree(principal: Principal, customerId?: string | null): string | undefined {
  if (principal.customerId === undefined) return customerId ?? undefined;
  if (customerId != null && customerId !== principal.customerId)
    throw new AuditError('FORBIDDEN', 'the API key is bound to another customer', 'customerId');
  return principal.customerId;
}

/**
 * The one gate for writes: a principal bound to a customer writes events of that customer only. An absent customer is
 * filled in before any other check of the event. Throws FORBIDDEN at `path` for another customer.
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

/** Runs a principal's reads: the second barrier behind `visibleTo`. */
export type Reader = Reads;

// More short statements than there are cores only slow each other down.
const QUICK_READS = 4;
const QUICK_MS = 50;

/** The reader of a principal bound to a customer. Undefined for a principal that sees all customers. */
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
 * Creates the readers of principals. A principal bound to a customer reads under row-level security, which hides the rows
 * of other customers even if a filter were missing. At most four statements run at once, not counting those that have run
 * for more than 50 ms.
 */
export function createReaders(pool: Pool): (principal: Pick<Principal, 'customerId'>) => Reader {
  const limitReads = createQuickLimiter(QUICK_READS, QUICK_MS);
  return (principal) => {
    const reader: Reader = guardedReaderOf(pool, principal) ?? longPrismaOn(pool);
    return {
      ...(principal.customerId !== undefined && { customerId: principal.customerId }),
      // Prisma sends the statement when its promise is awaited.
      $queryRaw: <Rows>(sql: Prisma.Sql) => limitReads(async () => await reader.$queryRaw<Rows>(sql)),
    };
  };
}

/** Copies rows that the principal may read. */
export function copyRowsOf(pool: Pool, { customerId }: Pick<Principal, 'customerId'>): CopyRows {
  return createCopyRows(pool, customerId);
}

/**
 * Creates a limiter that runs `count` functions at a time, the others in the order of their calls. A function holds its slot
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
        await withDeadline(running.then(ignore, ignore), maxHoldMs, ignore);
      });
    });
}

function ignore(): void {}
