import { randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { readLatestCheckpoint } from '../../src/evidence/checkpoints.ts';
import { formatSignatureLine, parseNote } from '../../src/merkle/note.ts';
import { formatCosignature } from '../../src/merkle/signatures.ts';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

const DENIED = { code: '42501' };
const SETTINGS = {
  SEGMENT_BITS: '8',
  CHECKPOINT_INTERVAL_MS: '3600000',
  CHECKPOINT_HEARTBEAT_MS: '86400000',
};

let database: TestDatabase;
let service: TestService;
let role: Pool;
let owner: Pool;
let client: PoolClient;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, SETTINGS);
  owner = createPool(database.url, () => undefined);
  role = createPool(database.url, () => undefined, { role: 'audit_log_service' });
  await log('"k"');
});
beforeEach(async () => {
  client = await role.connect();
  await client.query('BEGIN');
});
afterEach(async () => {
  await client.query('ROLLBACK');
  client.release();
});

/** Records an event, and signs. */
async function log(idempotencyKey = 'null'): Promise<void> {
  const input = `{ eventType: DATA_READ, customerId: "acme", idempotencyKey: ${idempotencyKey} }`;
  expect((await service.ask(`mutation { logEvent(input: ${input}) { status } }`)).errors).toBeUndefined();
  for (const of of ['', '(customerId: "acme")'])
    expect((await service.ask(`{ checkpoint${of} { treeSize } }`)).errors).toBeUndefined();
}

/** A cosignature line that has the right form and a signature by nobody. */
function lineBy(name: string, seconds = Math.floor(Date.now() / 1_000)): string {
  const signature = formatCosignature({ timestamp: seconds, signature: randomBytes(64) });
  return formatSignatureLine({ name, keyId: 7, signature });
}

async function latest() {
  const found = await readLatestCheckpoint(prismaOn(role), 'log');
  if (!found) throw new Error('nothing was signed');
  return found;
}

test.each([
  "UPDATE cosignatures SET line = 'x'",
  'DELETE FROM cosignatures',
  "INSERT INTO cosignatures VALUES (1, 'x', 'x', 1, now(), true)",
  'UPDATE summary_counts SET total = total + 1',
  'DELETE FROM summary_counts',
  'INSERT INTO summary_counts SELECT * FROM summary_counts',
  'UPDATE summary_scopes SET counted = 0',
  "INSERT INTO idempotency_keys VALUES ('', 'x', '', 0)",
  'UPDATE idempotency_bounds SET ended_before = 5',
  'SELECT move_keys_bound(0)',
  'SELECT end_keys(0, 100)',
  "SELECT add_counts('SELECT 1', '(1)')",
  "SELECT open_segment('audit_segments.s00000000')",
  'UPDATE evidence_counts SET checkpoints = 0',
  'UPDATE checkpoints SET root_hash = root_hash',
  "INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note, signed_at) VALUES ('log', 1, 1, '', '', now())",
  "UPDATE log_identity SET origin = 'x'",
  'UPDATE api_keys SET last_used_at = now()',
  "UPDATE api_keys SET scopes = '{admin}'",
  'SELECT * FROM service_secrets',
  'SELECT * FROM service_settings',
  "UPDATE trees SET tree = 'customer/x'",
  'UPDATE tree_tiles SET first_position = 0',
])('the role of the service may not: %s', async (sql) => {
  await expect(client.query(sql)).rejects.toMatchObject(DENIED);
});

describe('what it may, as far as it fits the log', () => {
  test('keys are of events of the same append, one of each, in their scope', async () => {
    const keep = (scope: string, positions: string, count = 1) =>
      client.query(
        `SELECT keep_keys(array_fill($1::text, ARRAY[${count}]), ARRAY(SELECT 'planted' || n FROM generate_series(1, ${count}) AS n),
           array_fill(sha256('x'), ARRAY[${count}]), ARRAY[${positions}]::bigint[])`,
        [scope],
      );
    await expect(keep('acme', '0')).rejects.toMatchObject(DENIED);
    await client.query('ROLLBACK');
    await expect(keep('', '12345')).rejects.toMatchObject(DENIED);
  });

  test('keys within an append', async () => {
    const { rows } = await owner.query<{ size: number; frontier: string }>('SELECT size FROM log_head');
    const size = rows[0]?.size ?? 0;
    const hashes = [...(size + 2).toString(2)].filter((bit) => bit === '1').length;
    const append = async () => {
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await client.query('SELECT claim_head($1, $2)', [
        size,
        `${size} ${size + 2} \\x${'00'.repeat(32)} \\x${'00'.repeat(32 * hashes)} marked`,
      ]);
      // One event that says it came with a key, and one that says it came with none.
      await client.query(
        `INSERT INTO audit_segments.s00000000 SELECT (jsonb_populate_record(e,
             jsonb_build_object('position', $1::bigint + n, 'salt', '\\x' || repeat('0', 31) || 1 - n))).*
           FROM audit_events e, generate_series(0, 1) AS n WHERE e.position = 0`,
        [size],
      );
    };
    const keep = (scope: string, positions: number[]) =>
      client.query('SELECT keep_keys($1, $2, $3, $4)', [
        positions.map(() => scope),
        positions.map((_, n) => `planted ${n}`),
        positions.map(() => Buffer.alloc(32)),
        positions,
      ]);
    for (const [scope, positions] of [
      ['acme', [size + 1]],
      ['globex', [size]],
      ['acme', [size, size]],
      ['acme', [size, 0]],
    ] as const) {
      await append();
      await expect(keep(scope, [...positions]), `${scope} ${positions}`).rejects.toMatchObject(DENIED);
    }
    await append();
    await keep('acme', [size]);
  });

  test.each([
    { segment: 1, bits: 30, code: '22023' },
    { segment: 1, bits: 20, code: '22023' },
    { segment: -1, bits: 8, code: '40001' },
    { segment: 1_000, bits: 8, code: '42501' },
    { segment: 100_000_000_000, bits: 8, code: '42501' },
  ])(
    "a segment is one of the next, of the log's own length: $segment, $bits",
    async ({ segment, bits, code }) => {
      await expect(
        client.query('SELECT ensure_segment($1, $2::smallint)', [segment, bits]),
      ).rejects.toMatchObject({ code });
    },
  );

  test('a tree grows, no further than the log, and its frontier has the length of its size', async () => {
    for (const set of [
      'size = size + 1000000',
      'size = size - 1',
      "frontier = frontier || '\\x00'",
      "size = 0, frontier = ''",
    ]) {
      await expect(client.query(`UPDATE trees SET ${set} WHERE tree = 'log'`)).rejects.toMatchObject(DENIED);
      await client.query('ROLLBACK');
    }
  });

  test('a checkpoint is of the tree as it has grown', async () => {
    const { treeSize, rootHash } = await latest();
    const insert = (size: number, root: Buffer, note?: string) =>
      client.query(
        "INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note) VALUES ('log', $1, $1, $2, $3)",
        [size, root, note ?? `x\n${size}\n${root.toString('base64')}\n\nx`],
      );
    for (const [size, root] of [
      [treeSize + 1, rootHash],
      [treeSize - 1, rootHash],
      [treeSize, randomBytes(32)],
    ] as const) {
      await expect(insert(size, root)).rejects.toMatchObject(DENIED);
      await client.query('ROLLBACK');
    }
    await expect(insert(treeSize, rootHash, 'x\n9\nx\n\nx')).rejects.toMatchObject(DENIED);
  });

  test('a cosignature of a witness is added, and never changed', async () => {
    const { treeSize } = await latest();
    const count = async () =>
      (await client.query("SELECT FROM cosignatures WHERE key_name = 'witness.example'")).rowCount;
    const [first, second] = [lineBy('witness.example', 1_000), lineBy('witness.example', 2_000)];
    for (const line of [first, second, first])
      await client.query('SELECT add_cosignature($1, $2, $3)', [treeSize, line, 'witness.example']);
    expect(await count()).toBe(2);
    // The same key and time, with another signature.
    await client.query('SELECT add_cosignature($1, $2, $3)', [
      treeSize,
      lineBy('witness.example', 1_000),
      'witness.example',
    ]);
    const { rows } = await client.query(
      "SELECT line FROM cosignatures WHERE key_name = 'witness.example' ORDER BY cosigned_at",
    );
    expect(rows.map(({ line }) => line)).toEqual([first, second]);
  });

  test.each([
    { what: 'a malformed line', line: () => 'x', name: 'w', code: '22023' },
    { what: 'two lines', line: () => lineBy('w') + lineBy('w'), name: 'w', code: '22023' },
    { what: 'a line without its end', line: () => lineBy('w').trimEnd(), name: 'w', code: '22023' },
    { what: 'a line by another name', line: () => lineBy('v'), name: 'w', code: '22023' },
    { what: 'a name with a space', line: () => '\u2014 a b AAAA\n', name: 'a b', code: '22023' },
  ])('no cosignature: $what', async ({ line, name, code }) => {
    const { treeSize } = await latest();
    await expect(
      client.query('SELECT add_cosignature($1, $2, $3)', [treeSize, line(), name]),
    ).rejects.toMatchObject({ code });
  });

  test('the own name is not that of a witness, and a checkpoint has to be there', async () => {
    const { treeSize, note } = await latest();
    const origin = note.slice(0, note.indexOf('\n'));
    for (const [size, name] of [
      [treeSize, origin],
      [treeSize + 5, 'w'],
    ] as const) {
      await expect(
        client.query('SELECT add_cosignature($1, $2, $3)', [size, lineBy(name), name]),
      ).rejects.toMatchObject(DENIED);
      await client.query('ROLLBACK');
    }
  });
});

describe('lines that should not be there', () => {
  test.each([
    { what: 'the own timestamp forged by the role', by: 'role' },
    { what: 'a malformed line of a witness', by: 'owner', line: 'nonsense' },
    { what: 'a malformed own line', by: 'owner', line: '\u2014 nonsense', isOwn: true },
    { what: 'a line that ends the note', by: 'owner', line: '\n\nanother note\n' },
  ])('$what: signing goes on, and no note has it', async ({ by, line, isOwn = false }) => {
    await log();
    const { treeSize, note } = await latest();
    const origin = note.slice(0, note.indexOf('\n'));
    if (by === 'role')
      await role.query('SELECT renew_timestamp($1, $2)', [treeSize, lineBy(origin, 4_000_000_000)]);
    else
      await owner.query(
        `INSERT INTO cosignatures VALUES ($1, $2, $3, 9, '2100-01-01', $4)
         ON CONFLICT (tree_size, key_name, key_id) WHERE NOT of_witness DO UPDATE SET line = excluded.line`,
        [treeSize, line, isOwn ? origin : 'w', !isOwn],
      );
    const served = await latest();
    expect(parseNote(served.note).text).toBe(parseNote(note).text);
    expect(served.note).not.toContain('nonsense');
    // So it is time to put one on again.
    expect(served.timestampedAt).toBeLessThan(Date.now() + 60_000);
    await log();
    expect((await latest()).treeSize).toBe(treeSize + 1);
    await owner.query(
      `DELETE FROM cosignatures WHERE line LIKE '%nonsense%' OR line LIKE '%another%' OR cosigned_at > '2090-01-01'`,
    );
    await owner.query(
      `UPDATE evidence_counts SET cosignatures = (SELECT count(*) FROM cosignatures) WHERE tree = 'log'`,
    );
  });
});
