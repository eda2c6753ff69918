import { prepared } from '../db/prepared.ts';
import type { Queryable } from '../db/queryable.ts';
import type { EventFilter } from '../events/filter.ts';
import type { PageRequest } from './list.ts';
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
export async function queryPage(
  db: Queryable,
  page: PageRequest,
  sql: string,
  parameters: unknown[],
): Promise<ReadRow[]> {
  const { rows } = hasOneWay(page)
    ? await db.query<ReadRow>(prepared(sql, parameters))
    : await db.query<ReadRow>(sql, parameters);
  return rows;
}

/**
 * Whether an index has the events that match, and no others, in the order of the page: then it is the best way whatever
 * the values. Of several fields, which index is the better one depends on the values, and PostgreSQL has to see them.
 */
function hasOneWay({ filters, order, offset = 0, first }: PageRequest): boolean {
  // Where it begins decides which segments are left out.
  if (first !== undefined) return false;
  // Each offset is another text, and few of them come again.
  if (offset > 0) return false;
  const fields = new Set(filters.flatMap((filter) => Object.keys(filter)));
  if (!order.startsWith('TIMESTAMP')) return fields.size === 0;
  fields.delete('startTime');
  fields.delete('endTime');
  return fields.size === 0 || (fields.size === 1 && (fields.has('customerId') || fields.has('userId')));
}
