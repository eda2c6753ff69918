import type { PoolClient } from 'pg';
import { afterAll, expect } from 'vitest';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { IS_FULL } from '../support/runs.ts';
import { test } from '../support/test.ts';
import { verifyTampered } from './tampering.ts';

// No value that a column can have stops a verification.

const BYTES = [0, 1, 31, 33, 320].map((count) => `decode(repeat('ff', ${count}), 'hex')`);
const BIGINTS = ['9223372036854775807', '-9223372036854775808', '-1', '0', '9007199254740993'];
const TIMES = ["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'294276-01-01'"];
/** Odd values by type, as SQL. */
const VALUES: Record<string, string[]> = {
  bigint: BIGINTS,
  integer: ['-2147483648', '0', '2147483647'],
  smallint: ['-32768', '0', '32767'],
  'double precision': ["'Infinity'", "'NaN'", '-1'],
  bytea: BYTES,
  text: ["''", "'x'", "E'\\n'", "repeat('x', 100000)"],
  'text[]': ["'{}'", "'{NULL}'", "'{{a,b},{c,d}}'", "'[5:6]={a,b}'"],
  'timestamp with time zone': TIMES,
  'timestamp(3) with time zone': TIMES,
  'timestamp with time zone[]': ["'{}'", "'{infinity,NULL}'"],
  jsonb: ["'[]'", "'null'", "'{}'", "'1'", '\'{"a": 1e400}\''],
  inet: ["'::/0'", "'0.0.0.0/0'"],
  boolean: ['true', 'false'],
};

interface Edit {
  table: string;
  set: string;
  isOneRow: boolean;
  hasChecks: boolean;
}

let client: PoolClient;
let edits: Edit[];

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  const database = await createDatabase();
  const service = await startService(database.url, { CHECKPOINT_INTERVAL_MS: '3600000' });
  const input = Array.from({ length: 300 }, (_, n) => ({
    eventType: 'DATA_READ' as const,
    customerId: n % 2 === 0 ? 'acme' : null,
    ipAddress: '192.0.2.1',
    idempotencyKey: n % 3 === 0 ? `key ${n}` : null,
  }));
  expect((await service.ask(LOG_EVENTS, { input })).errors).toBeUndefined();
  for (const of of ['', '(customerId: "acme")'])
    expect((await service.ask(`{ checkpoint${of} { treeSize } }`)).errors).toBeUndefined();
  await service.stop();
  client = await createPool(database.url, () => undefined).connect();
  const { rows } = await client.query<{ table: string; column: string; type: string }>(
    `SELECT relname AS table, attname AS column, format_type(atttypid, atttypmod) AS type
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
       AND relname <> '_prisma_migrations' ORDER BY 1, 2`,
  );
  expect(rows.map(({ type }) => type).filter((type) => !VALUES[type])).toEqual([]);
  edits = rows.flatMap(({ table, column, type }) =>
    (VALUES[type] ?? []).flatMap((value) =>
      [true, false].flatMap((isOneRow) =>
        [true, false].map((hasChecks) => ({ table, set: `"${column}" = ${value}`, isOneRow, hasChecks })),
      ),
    ),
  );
});
afterAll(() => {
  client.release();
});

// Each fifth of some 1,700 edits, or in `npm test` each 29th: primes, so that each kind of edit and of value is among them.
test('no value of a column stops the verification', { timeout: 900_000 }, async () => {
  const done = { verified: 0, refused: 0 };
  for (const [at, edit] of edits.entries()) {
    if (at % (IS_FULL ? 5 : 29) !== 0) continue;
    const sql = await statementOf(edit);
    if (await isRefused(sql)) {
      done.refused += 1;
      continue;
    }
    await expect(verifyTampered(client, sql), sql).resolves.toBeDefined();
    done.verified += 1;
  }
  expect(done.verified).toBeGreaterThan(done.refused);
});

test.each([
  ['log_head', 'size = 9223372036854775807', 'head'],
  ['log_head', 'first_position = 9223372036854775807', 'head'],
  ['evidence_counts', 'checkpoints = -9223372036854775808', 'checkpoint'],
  ['evidence_counts', 'cosignatures = -9223372036854775808', 'checkpoint'],
  ['tree_tiles', "positions = decode(repeat('ff', 1024), 'hex') WHERE positions IS NOT NULL", 'tile'],
])('%s: what stopped it once is found: %s', async (table, set, kind) => {
  const { findings } = await verifyTampered(client, `UPDATE ${table} SET ${set}`);
  expect(findings.map((finding) => finding.kind)).toContain(kind);
});

async function statementOf({ table, set, isOneRow, hasChecks }: Edit): Promise<string> {
  const where = isOneRow ? ` WHERE ctid = (SELECT ctid FROM ${table} ORDER BY ctid LIMIT 1)` : '';
  const { rows } = await client.query<{ drop: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', conrelid::regclass, conname) AS drop FROM pg_constraint
     WHERE conrelid = $1::regclass AND contype = 'c'`,
    [table],
  );
  const drops = hasChecks ? '' : rows.map(({ drop }) => drop).join('');
  return `${drops} UPDATE ${table} SET ${set}${where}`;
}

/** Whether PostgreSQL refuses the edit: for a check, a key, a segment or an index that such a value has no place in. */
async function isRefused(sql: string): Promise<boolean> {
  await client.query('BEGIN');
  try {
    await client.query("SET LOCAL session_replication_role = 'replica'");
    await client.query(sql);
    return false;
  } catch {
    return true;
  } finally {
    await client.query('ROLLBACK');
  }
}
