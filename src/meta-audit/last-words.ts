import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../db/queryable.ts';

const LONGEST_MS = 2_000;

/** Whether the database answers soon: a service that stops waits for no database that is gone. */
export async function answers(db: Queryable): Promise<boolean> {
  const late = new AbortController();
  const answer = db.query('SELECT 1').then(
    () => true,
    () => false,
  );
  const silence = delay(LONGEST_MS, false, { signal: late.signal, ref: false }).catch(() => false);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    late.abort();
  }
}
