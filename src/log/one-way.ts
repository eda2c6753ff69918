import type { Prisma } from '../db/generated/client.ts';
import { preparedIfRoom } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import type { EventFilter } from '../events/filter.ts';
import type { PageRequest } from './keyset.ts';
import type { ReadRow } from './row.ts';

/** Of a filter what goes with the order of a page: an index for anything else would be of no use there. */
export function orderedPart({ customerId, userId, startTime, endTime }: EventFilter): EventFilter {
  return {
    ...(customerId !== undefined && { customerId }),
    ...(userId !== undefined && { userId }),
    ...(startTime !== undefined && { startTime }),
    ...(endTime !== undefined && { endTime }),
  };
}

/** Runs the statement of a page, which is prepared where its best plan does not depend on the values. */
export function queryPage(db: Reads, page: PageRequest, sql: Prisma.Sql): Promise<ReadRow[]> {
  return db.$queryRaw(hasOneWay(page) ? preparedIfRoom(sql) : sql);
}

/**
 * Whether an index has the events that match, and no others, in the order of the page: then it is the best way whatever
 * the values. Of several fields, which index is the better one depends on the values, and PostgreSQL has to see them.
 */
function hasOneWay({ filters, order, first }: PageRequest): boolean {
  // Where it begins decides which segments are left out.
  if (first !== undefined) return false;
  const fields = new Set(filters.flatMap((filter) => Object.keys(filter)));
  if (!order.startsWith('TIMESTAMP')) return fields.size === 0;
  fields.delete('startTime');
  fields.delete('endTime');
  return fields.size === 0 || (fields.size === 1 && (fields.has('customerId') || fields.has('userId')));
}
