import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queryable.ts';
import { AuditError } from '../errors.ts';
import type { EventFilter } from '../events/filter.ts';
import { readFirstPosition } from './head.ts';
import { allOf, whereOf } from './where.ts';

const ATTEMPTS = 5;

/**
 * The rows of an aggregate over the events that match and that no purge has announced to be removed. `statement` puts the
 * condition into its SQL, whose rows also have the column `FIRST_POSITION`. Asked again when the log begins elsewhere by
 * then; a condition with a subquery in the place of a constant would mislead the planner.
 */
export async function aggregateVisible<Row extends object>(
  db: Reads,
  filters: readonly EventFilter[],
  statement: (where: Prisma.Sql) => Prisma.Sql,
): Promise<Row[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const first = await readFirstPosition(db);
    const left = first > 0 ? [Prisma.sql`position >= ${first}`] : [];
    const where = allOf([whereOf(filters), ...left]);
    const rows = await db.$queryRaw<(Row & { first_position: number })[]>(statement(where));
    if (rows[0] === undefined || rows[0].first_position === first) return rows;
  }
  throw new AuditError('UNAVAILABLE', 'events are being removed: retry');
}
