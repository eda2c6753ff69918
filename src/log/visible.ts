import type { QueryResultRow } from 'pg';
import type { Queryable } from '../db/queryable.ts';
import { AuditError } from '../errors.ts';
import type { EventFilter } from '../events/filter.ts';
import { readFirstPosition } from './head.ts';
import { addCondition, whereOf } from './where.ts';

const ATTEMPTS = 5;

/**
 * The rows of an aggregate over the events that match and that no purge has announced to be removed. `statement` puts the
 * condition into its SQL, in which $1 and so on are the `parameters`, whose rows also have the column \`FIRST_POSITION\`. Asked again when the log begins elsewhere by
 * then; a condition with a subquery in the place of a constant would mislead the planner.
 */
export async function aggregateVisible<Row extends QueryResultRow>(
  db: Queryable,
  filters: readonly EventFilter[],
  statement: (where: string) => string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const first = await readFirstPosition(db);
    const where = whereOf(filters, [...parameters]);
    if (first > 0) addCondition(where, 'position >= ?', first);
    const { rows } = await db.query<Row & { first_position: number }>(statement(where.sql), where.parameters);
    if (rows[0] === undefined || rows[0].first_position === first) return rows;
  }
  throw new AuditError('UNAVAILABLE', 'events are being removed: retry');
}
