import { type CopyRows, createCopyRows } from '../db/copy.ts';
import type { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { patientPrismaOn } from '../db/prisma.ts';
import type { Reads } from '../db/queryable.ts';
import { prismaAs } from '../db/tenant.ts';
import { Turns } from '../log/turns.ts';
import type { Viewer } from './viewer.ts';

/** Where a viewer's reads run: the second wall behind `visibleTo`. */
export type Reader = Reads;

// More quick statements at a time than PostgreSQL and this process have cores for only take those from one another.
const QUICK_READS = 4;
const QUICK_MS = 50;

/** Where a bound viewer reads; undefined for one who sees all. */
export function guardedReaderOf(pool: Pool, { customerId }: Pick<Viewer, 'customerId'>): Reader | undefined {
  return customerId === undefined ? undefined : boundReader(pool, customerId);
}

function boundReader(pool: Pool, customerId: string): Reader {
  const prisma = prismaAs(pool, customerId);
  return { customerId, $queryRaw: (sql) => prisma.$queryRaw(sql) };
}

/**
 * Makes the readers of viewers. A bound viewer reads under row-level security, which lets no foreign row out even if a
 * filter were forgotten. Four statements run at a time, beside those that have taken longer than 50 ms already.
 */
export function createReaders(pool: Pool): (viewer: Pick<Viewer, 'customerId'>) => Reader {
  const turns = new Turns(QUICK_READS, QUICK_MS);
  return (viewer) => {
    const reader: Reader = guardedReaderOf(pool, viewer) ?? patientPrismaOn(pool);
    return {
      ...(viewer.customerId !== undefined && { customerId: viewer.customerId }),
      // Prisma sends it when somebody waits for it.
      $queryRaw: <Rows>(sql: Prisma.Sql) => turns.take(async () => await reader.$queryRaw<Rows>(sql)),
    };
  };
}

/** Copies rows where the viewer may read. */
export function copyRowsOf(pool: Pool, { customerId }: Pick<Viewer, 'customerId'>): CopyRows {
  return createCopyRows(pool, customerId);
}
