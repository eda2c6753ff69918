import { SILENCE } from '../../db/client.ts';
import { inTransaction, type Pool } from '../../db/pool.ts';

/** Events that a step of the counting takes at most, unless it is told otherwise; the database takes no more. */
export const COUNTED_AT_ONCE = 20_000;

/** What a step of the counting is bounded by, and the customers that it does. */
export interface CountOptions {
  /** Most events of the log that a step counts. */
  batch?: number;
  /** Of 256 events, so many bring the counts of their customer up to date. */
  customersPer256?: number;
  /** From so many events of a type on, the days of a customer's month are counted too. */
  dailyFrom?: number;
}

/**
 * Counts the next events of the log, in one transaction, and returns how many those were: 0 when all are counted, or
 * when another instance is counting. A function of the owner does it (`prisma/migrations/0047_counting`): the service's
 * role can have what is stored counted, and can write no count.
 */
export async function countNext(
  pool: Pool,
  { batch = COUNTED_AT_ONCE, customersPer256 = 1, dailyFrom = 1_000 }: CountOptions = {},
): Promise<number> {
  return inTransaction(
    pool,
    async (client) => {
      // What a crash takes away is counted again: the counts and how far they go are one commit.
      await client.query('SET LOCAL synchronous_commit = off');
      const { rows } = await client.query<{ counted: number }>('SELECT count_events($1, $2, $3) AS counted', [
        batch,
        customersPer256,
        dailyFrom,
      ]);
      return rows[0]?.counted ?? 0;
    },
    SILENCE.long,
  );
}
