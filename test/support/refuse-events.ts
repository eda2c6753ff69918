import type { Pool } from '../../src/db/pool.ts';

const DEADLOCK = '40P01';
const ATTEMPTS = 10;

/** Makes the database refuse the events that meet an SQL condition on NEW ("no room"). Returns what ends that. */
export async function refuseEvents(pool: Pool, condition: string): Promise<() => Promise<void>> {
  await withoutDeadlock(
    pool,
    `CREATE FUNCTION refuse_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE EXCEPTION 'no room'; END $$;
     CREATE TRIGGER refuse_event BEFORE INSERT ON audit_events FOR EACH ROW
       WHEN (${condition}) EXECUTE FUNCTION refuse_event()`,
  );
  return () => withoutDeadlock(pool, 'DROP FUNCTION refuse_event CASCADE');
}

// The statement locks the table and its segments, which the periodic work of a service uses in another order.
async function withoutDeadlock(pool: Pool, sql: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pool.query(sql);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || attempt === ATTEMPTS) throw error;
    }
  }
}
