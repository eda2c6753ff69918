import type { PoolClient } from 'pg';
import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { checkEvent } from '../../src/events/validate.ts';
import { Committer } from '../../src/log/append/committer.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';
import { createHead } from '../../src/log/head.ts';
import { test } from '../support/test.ts';

const BITS = 8;
const LENGTH = 2 ** BITS;

let owner: Pool;
let service: Pool;

test.beforeEach(async ({ createDatabase, createPool }) => {
  const { url } = await createDatabase();
  owner = createPool(url, () => undefined);
  service = createPool(url, () => undefined, { role: 'audit_log_service' });
  await createHead(owner, BITS);
});

test('whoever waits for another that makes the same segment finds it made', async () => {
  const [one, two] = await Promise.all([owner.connect(), owner.connect()]);
  try {
    const process = await processOf(two);
    await one.query('BEGIN');
    await attach(one, 1);
    const waiting = attach(two, 1);
    await untilLocked(owner, process);
    await one.query('COMMIT');
    await waiting;
  } finally {
    one.release();
    two.release();
  }
  const { rowCount } = await owner.query("SELECT FROM pg_class WHERE relname = 's00000001'");
  expect(rowCount).toBe(1);
});

test('a session that has missed that a segment was attached reads its events all the same', async () => {
  const [reader, other] = await Promise.all([owner.connect(), owner.connect()]);
  try {
    await miss(reader, 2, other);
    expect(await segmentsOf(reader)).not.toContain('s00000002');
    await append(new Committer(service), 2 * LENGTH + 1);
    const { rows } = await reader.query('SELECT count(*)::int FROM audit_events');
    expect(rows).toEqual([{ count: 2 * LENGTH + 1 }]);
  } finally {
    reader.release();
    other.release();
  }
});

test('a session that has missed that a segment was attached appends to it', async () => {
  const [writer, other] = await Promise.all([service.connect(), owner.connect()]);
  try {
    await miss(writer, 2, other);
    expect(await segmentsOf(writer)).not.toContain('s00000002');
  } finally {
    // The only idle connection of the pool, so the next that is taken.
    writer.release();
    other.release();
  }
  await append(new Committer(service), 2 * LENGTH + 1);
});

test.for([true, false])(
  'the first events of a segment are recorded beside a change of privileges (it ends at once: %s)',
  async (endsAtOnce) => {
    const log = new Committer(service);
    await append(log, LENGTH);
    const [one, two] = await Promise.all([owner.connect(), owner.connect()]);
    try {
      const process = await processOf(one);
      await one.query('BEGIN');
      await one.query('GRANT SELECT ON audit_events TO audit_log_customer');
      const appending = append(log, 1);
      const isWaiting = 'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))';
      while ((await two.query(isWaiting, [process])).rowCount === 0);
      if (endsAtOnce) await one.query('COMMIT');
      await appending;
      if (!endsAtOnce) await one.query('COMMIT');
    } finally {
      one.release();
      two.release();
    }
  },
);

test('a privilege that was taken away stays so, whatever is recorded', async () => {
  const log = new Committer(service);
  await append(log, LENGTH);
  await owner.query('REVOKE SELECT ON audit_events FROM audit_log_service, audit_log_customer');
  const privileges = async () =>
    (await owner.query("SELECT relacl::text FROM pg_class WHERE oid = 'audit_events'::regclass")).rows;
  const before = await privileges();
  await append(log, 1);
  expect(await privileges()).toEqual(before);
  await owner.query('GRANT SELECT ON audit_events TO audit_log_service, audit_log_customer');
});

/**
 * Makes the session miss the segment: `other` attaches it while the session makes its list of the segments. The session has
 * read the catalog, and waits for `pg_class` to look up the segment before, which it does not know yet.
 */
async function miss(session: PoolClient, segment: number, other: PoolClient): Promise<void> {
  await attach(other, 0);
  await session.query('SELECT count(*) FROM audit_events');
  const process = await processOf(session);
  await untilLocked(other, process, 0);
  await attach(other, segment - 1);
  // Takes the message that its list is out of date, and makes no other. Looks up the table and its indexes, but not the segment.
  await session.query(
    `SELECT pg_relation_size('audit_events'), pg_relation_size(indexrelid) FROM pg_index
     WHERE indrelid = 'audit_events'::regclass`,
  );
  await other.query('BEGIN');
  await other.query('LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE');
  const reading = session.query('SELECT count(*) FROM audit_events');
  await untilLocked(other, process);
  await attach(other, segment);
  await other.query('COMMIT');
  await reading;
}

/** The segments that the session reads. */
async function segmentsOf(session: PoolClient): Promise<string[]> {
  const { rows } = await session.query<{ 'QUERY PLAN': string }>('EXPLAIN SELECT FROM audit_events');
  return rows.flatMap((row) => row['QUERY PLAN'].match(/s\d{8}/) ?? []);
}

async function attach(session: PoolClient, segment: number): Promise<void> {
  await session.query('SELECT ensure_segment($1, $2::smallint)', [segment, BITS]);
}

async function processOf(session: PoolClient): Promise<number> {
  const { rows } = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid as number;
}

async function untilLocked(asking: Pool | PoolClient, pid: number, count = 1): Promise<void> {
  const isWaiting = 'SELECT FROM pg_locks WHERE pid = $1 AND NOT granted';
  while ((await asking.query(isWaiting, [pid])).rowCount !== count);
}

async function append(log: Committer, count: number): Promise<void> {
  const input = checkEvent({ eventType: 'data.read', action: 'read' }, 'input');
  const events = Array.from({ length: count }, () => prepareEvent(input, Date.now(), 'input'));
  await log.start([{ events, paths: [] }]).done;
}
