import { type CopyRows, createCopyRows } from '../db/copy.ts';
import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queryable.ts';
import { tenantReader } from '../db/tenant.ts';
import type { Viewer } from './viewer.ts';

/** Where a viewer's reads run: the second wall behind `visibleTo`. */
export type Reader = Queryable;

/** Where a bound viewer reads; undefined for one who sees all. */
export function guardedReaderOf(pool: Pool, { customerId }: Pick<Viewer, 'customerId'>): Reader | undefined {
  return customerId === undefined ? undefined : tenantReader(pool, customerId);
}

/** A bound viewer reads under row-level security, which lets no foreign row out even if a filter were forgotten. */
export function readerOf(pool: Pool, viewer: Pick<Viewer, 'customerId'>): Reader {
  return guardedReaderOf(pool, viewer) ?? pool;
}

/** Copies rows where the viewer may read. */
export function copyRowsOf(pool: Pool, { customerId }: Pick<Viewer, 'customerId'>): CopyRows {
  return createCopyRows(pool, customerId);
}
