import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { IS_FULL, runsOf } from '../support/runs.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import {
  CHECKPOINT_EDITS,
  COSIGNATURE_EDITS,
  EVENT_EDITS,
  forge,
  found,
  HEAD_EDITS,
  TILE_EDITS,
  verifyTampered,
} from './tampering.ts';

const DAY_MS = 86_400_000;
const CUSTOMERS = ['acme', 'globex & sons/é', 'initech'];
/** What retention left begins here; the events after it were signed up to the size. */
const FIRST = 262;
const SIZE = 620;
const RUNS = runsOf(40, 8);

let database: TestDatabase;
let service: TestService;
let pool: Pool;
let client: PoolClient;
let now = Date.now();

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  const settings = {
    SEGMENT_BITS: '8',
    CHECKPOINT_INTERVAL_MS: '3600000',
    CHECKPOINT_HEARTBEAT_MS: '86400000',
  };
  service = await startService(database.url, settings, { now: () => now, databaseNow: async () => now });
  pool = createPool(database.url, () => undefined);
  client = await pool.connect();
  await log(FIRST);
  await sign();
  now += 10 * DAY_MS;
  await service.ask('mutation { purgeEvents(olderThanDays: 5) { purged } }');
  for (const size of [400, 512, SIZE]) {
    await log(size - (await sizeOf()));
    await sign();
  }
});
afterAll(() => {
  client.release();
});

async function log(count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, n) => ({
    eventType: 'DATA_READ' as const,
    userId: `user-${n % 7}`,
    customerId: CUSTOMERS[n % (CUSTOMERS.length + 1)] ?? null,
    sessionId: 'session',
    ipAddress: n % 2 === 0 ? '203.0.113.7' : '2001:db8::7',
    userAgent: 'curl/8.5.0',
    requestId: 'request',
    resourceType: 'file',
    resourceId: '/etc/passwd',
    description: 'read a file',
    details: { n },
    idempotencyKey: n % 5 === 0 ? `${now}/${count}/${n}` : null,
  }));
  expect((await service.ask(LOG_EVENTS, { input })).errors).toBeUndefined();
}

async function sign(): Promise<void> {
  for (const of of ['', '(customerId: "acme")', '(customerId: "initech")'])
    expect((await service.ask(`{ checkpoint${of} { treeSize } }`)).errors).toBeUndefined();
}

async function sizeOf(): Promise<number> {
  const { rows } = await pool.query<{ size: number }>('SELECT size FROM log_head');
  return rows[0]?.size ?? 0;
}

async function countOf(table: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*) AS count FROM ${table}`);
  return rows[0]?.count ?? 0;
}

const keys = (edits: Record<string, string>) => fc.constantFrom(...Object.keys(edits));
const position = fc.integer({ min: FIRST, max: SIZE - 1 });

/**
 * The edits to try on the row at this place: all, or in `npm test` some, such that each edit meets several rows and each row
 * several edits.
 */
function editsOf(edits: readonly string[], place: number): readonly string[] {
  return IS_FULL ? edits : edits.filter((_, at) => (at + place) % 4 === 0);
}

/** Tampers as often as said, and expects what the case names. */
async function check<T>(arbitrary: fc.Arbitrary<T>, verify: (value: T) => Promise<void>, numRuns = RUNS) {
  await fc.assert(fc.asyncProperty(arbitrary, verify), { numRuns });
}

test('the log as it is holds', async () => {
  expect(await sizeOf()).toBe(SIZE);
  expect(await verifyTampered(client, 'SELECT 1')).toMatchObject({
    findings: [],
    size: SIZE,
    firstPosition: FIRST,
    events: SIZE - FIRST,
    checkpoints: await countOf('checkpoints'),
    cosignatures: await countOf('cosignatures'),
    customerTrees: 3,
  });
});

describe('events', () => {
  test('any column', async () => {
    // Each once, then some with others at random.
    for (const edit of Object.keys(EVENT_EDITS)) await editColumn(edit, FIRST + 9);
    await check(fc.tuple(keys(EVENT_EDITS), position), ([edit, at]) => editColumn(edit, at));
  });

  async function editColumn(edit: string, at: number): Promise<void> {
    const [column = ''] = edit.split(' ');
    const sql = `UPDATE audit_events SET "${column}" = ${EVENT_EDITS[edit]} WHERE position = ${at}`;
    const { rows } = await client.query(`SELECT customer_id FROM audit_events WHERE position = ${at}`);
    // The event of the purge and those of no customer have not all columns; then nothing is edited.
    const isEdited = at !== FIRST && (column !== 'customer_id' || rows[0].customer_id !== null);
    const expected = isEdited ? { kinds: ['changed'], position: at } : expect.anything();
    expect(found(await verifyTampered(client, sql)), sql).toEqual(expected);
  }

  test('an event and its leaf hash, so that the row agrees with itself', () =>
    check(position, async (at) => {
      const result = await verifyTampered(client, () => forge(client, at));
      expect(found(result)).toEqual({ kinds: ['changed'], position: at });
    }));

  test('deleted, moved, exchanged, inserted', () =>
    check(
      fc.tuple(position, position),
      async ([a, b]) => {
        const removed = `DELETE FROM audit_events WHERE position = ${a}`;
        expect(found(await verifyTampered(client, removed))).toEqual({ kinds: ['missing'], position: a });
        const moved = `UPDATE audit_events SET position = ${SIZE + 5} WHERE position = ${a}`;
        expect(found(await verifyTampered(client, moved))).toEqual({
          kinds: ['missing', 'extra'],
          position: a,
        });
        const below = copyTo(a, FIRST - 2);
        expect(found(await verifyTampered(client, below))).toEqual({ kinds: ['extra'], position: FIRST - 2 });
        const behind = copyTo(a, SIZE);
        expect(found(await verifyTampered(client, behind))).toEqual({ kinds: ['extra'], position: SIZE });
        if (a === b) return;
        expect(found(await verifyTampered(client, exchange(a, b)))).toEqual({
          kinds: ['out of order'],
          position: Math.min(a, b),
        });
      },
      RUNS / 4,
    ));

  test('a row beside the one that is there', async () => {
    const sql = `ALTER TABLE audit_events DROP CONSTRAINT audit_events_pkey; ${copyTo(300, 300)}`;
    expect(found(await verifyTampered(client, sql))).toEqual({ kinds: ['extra', 'catalog'], position: 300 });
  });

  test('many', async () => {
    const half = "UPDATE audit_events SET severity = 'debug' WHERE position % 2 = 1";
    const { findings } = await verifyTampered(client, half);
    expect(findings).toMatchObject([{ kind: 'changed', position: 263, count: (SIZE - FIRST) / 2 }]);
    const shifted = `DELETE FROM audit_events WHERE position = 300;
      UPDATE audit_events SET position = position + 1000 WHERE position > 300;
      UPDATE audit_events SET position = position - 1001 WHERE position > 1000`;
    const result = await verifyTampered(client, async () => {
      await client.query('SELECT ensure_segment(s, 8::smallint) FROM generate_series(3, 8) AS s');
      await client.query(shifted);
    });
    expect(result.findings).toMatchObject([
      { kind: 'out of order', position: 300, count: SIZE - 301 },
      { kind: 'missing', position: SIZE - 1, count: 1 },
    ]);
    const all = await verifyTampered(client, 'TRUNCATE audit_events');
    expect(all.findings).toMatchObject([{ kind: 'missing', position: FIRST, count: SIZE - FIRST }]);
  });

  test('a whole segment', async () => {
    const sql = 'DROP TABLE audit_segments.s00000001';
    expect(found(await verifyTampered(client, sql))).toEqual({ kinds: ['missing'], position: FIRST });
  });
});

describe('evidence', () => {
  test('any tile', async () => {
    const { rows } = await client.query<{ tree: string; level: number; index: number }>(
      'SELECT tree, level, index FROM tree_tiles ORDER BY tree, level, index',
    );
    const edits = [...Object.keys(TILE_EDITS), 'gone'];
    for (const [place, tile] of rows.entries())
      for (const edit of editsOf(edits, place)) await editTile(tile, edit);
  });

  async function editTile(
    { tree, level, index }: { tree: string; level: number; index: number },
    edit: string,
  ): Promise<void> {
    const where = `WHERE tree = '${tree}' AND level = ${level} AND index = ${index}`;
    const sql =
      edit === 'gone'
        ? `DELETE FROM tree_tiles ${where}`
        : `UPDATE tree_tiles SET ${TILE_EDITS[edit]} ${where}`;
    const { kinds, position: at } = found(await verifyTampered(client, sql));
    // Of what was purged there is nothing but the tile, so that everything above it seems wrong as well.
    const isAlone = tree === 'log' && level === 0 && index < 2;
    expect(isAlone ? kinds.slice(0, 1) : kinds, sql).toEqual(['tile']);
    expect(at).toBeUndefined();
  }

  test('tiles exchanged, and put in', async () => {
    const all = await places("tree_tiles WHERE tree <> 'log' OR level > 0 OR index > 1");
    const two = fc.tuple(fc.constantFrom(...all), fc.constantFrom(...all));
    await check(
      two,
      async ([a, b]) => {
        const added = `INSERT INTO tree_tiles SELECT tree, level, index + 7, width, hashes, positions, first_position + 5000
          FROM tree_tiles WHERE ctid = '${a}'`;
        expect(found(await verifyTampered(client, added)).kinds, added).toContain('tile');
        if (a === b) return;
        const exchanged = swap('tree_tiles', 'hashes', [a, b]);
        expect(found(await verifyTampered(client, exchanged)).kinds, exchanged).toContain('tile');
      },
      RUNS / 4,
    );
  });

  test('all tiles', async () => {
    expect(found(await verifyTampered(client, 'TRUNCATE tree_tiles')).kinds).toEqual(['tile']);
    const upper = 'DELETE FROM tree_tiles WHERE level > 0';
    expect(found(await verifyTampered(client, upper)).kinds).toEqual(['tile']);
  });

  test('the head', async () => {
    for (const edit of Object.values(HEAD_EDITS))
      expect(found(await verifyTampered(client, `UPDATE log_head SET ${edit}`)), edit).toEqual({
        kinds: ['head'],
      });
    expect(found(await verifyTampered(client, 'DELETE FROM log_head'))).toEqual({ kinds: ['head'] });
    const first = (value: number) => verifyTampered(client, `UPDATE log_head SET first_position = ${value}`);
    // The rows are still stored, as those of a purge may be, but the event that announces one is before them.
    expect(found(await first(FIRST + 3))).toEqual({ kinds: ['missing'], position: 0 });
    expect(found(await first(FIRST - 3))).toEqual({ kinds: ['missing'], position: FIRST - 3 });
    expect(found(await first(0))).toEqual({ kinds: ['missing'], position: 0 });
  });

  test('any tree', async () => {
    const { rows } = await client.query<{ tree: string }>('SELECT tree FROM trees');
    for (const { tree } of rows) {
      for (const edit of [
        'size = size + 1',
        'size = size - 1',
        'frontier = sha256(frontier)',
        "tree = 'customer/x'",
      ]) {
        const sql = `UPDATE trees SET ${edit} WHERE tree = '${tree}'`;
        expect(found(await verifyTampered(client, sql)), sql).toEqual({ kinds: ['tree'] });
      }
    }
    expect(found(await verifyTampered(client, 'DELETE FROM trees'))).toEqual({ kinds: ['tree'] });
  });

  test('any checkpoint', async () => {
    const { rows } = await client.query<{ ctid: string }>(
      'SELECT ctid FROM checkpoints ORDER BY tree, tree_size',
    );
    for (const [place, { ctid }] of rows.entries()) {
      for (const edit of editsOf(Object.values(CHECKPOINT_EDITS), place)) {
        const sql = `UPDATE checkpoints SET ${edit} WHERE ctid = '${ctid}'`;
        expect(found(await verifyTampered(client, sql)), sql).toEqual({ kinds: ['checkpoint'] });
      }
    }
  });

  test('checkpoints exchanged and put in, and any removed', async () => {
    const all = await places('checkpoints');
    const two = fc.tuple(fc.constantFrom(...all), fc.constantFrom(...all));
    await check(
      two,
      async ([a, b]) => {
        const added = `INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note)
          SELECT tree, tree_size + 1, log_size + 1, root_hash, note FROM checkpoints WHERE ctid = '${a}'`;
        expect(found(await verifyTampered(client, added)), added).toEqual({ kinds: ['checkpoint'] });
        if (a === b) return;
        const exchanged = swap('checkpoints', 'note', [a, b]);
        expect(found(await verifyTampered(client, exchanged)), exchanged).toEqual({ kinds: ['checkpoint'] });
      },
      RUNS / 4,
    );
    for (const place of await places('checkpoints')) {
      const removed = `DELETE FROM checkpoints WHERE ctid = '${place}'`;
      expect(found(await verifyTampered(client, removed)), removed).toEqual({ kinds: ['checkpoint'] });
    }
  });

  test('any cosignature', async () => {
    for (const edit of Object.values(COSIGNATURE_EDITS)) {
      const sql = `UPDATE cosignatures SET ${edit} WHERE tree_size = 512`;
      expect(found(await verifyTampered(client, sql)), sql).toEqual({ kinds: ['checkpoint'] });
    }
    for (const place of await places('cosignatures')) {
      const removed = `DELETE FROM cosignatures WHERE ctid = '${place}'`;
      expect(found(await verifyTampered(client, removed)), removed).toEqual({ kinds: ['checkpoint'] });
    }
  });

  test('the counts of the evidence', async () => {
    for (const edit of ['checkpoints = checkpoints + 1', 'cosignatures = cosignatures - 1']) {
      const edited = `UPDATE evidence_counts SET ${edit} WHERE tree = 'log'`;
      expect(found(await verifyTampered(client, edited)), edited).toEqual({ kinds: ['checkpoint'] });
    }
    for (const place of await places('evidence_counts')) {
      const removed = `DELETE FROM evidence_counts WHERE ctid = '${place}'`;
      expect(found(await verifyTampered(client, removed)), removed).toEqual({ kinds: ['checkpoint'] });
    }
  });

  test('who signs, and idempotency keys', async () => {
    const origin = await verifyTampered(client, "UPDATE log_identity SET origin = origin || 'x'");
    expect(found(origin)).toEqual({ kinds: ['identity'] });
    const key = await verifyTampered(client, "UPDATE log_identity SET verifier_key = verifier_key || 'x'");
    expect(found(key)).toEqual({ kinds: ['identity'] });
    const late = await verifyTampered(
      client,
      `UPDATE idempotency_keys SET position = ${SIZE} WHERE position = 0`,
    );
    expect(found(late)).toEqual({ kinds: ['idempotency key'] });
    const shared = await verifyTampered(
      client,
      'UPDATE idempotency_keys SET position = 0 WHERE position = 5',
    );
    expect(found(shared)).toEqual({ kinds: ['idempotency key'] });
  });

  test('NULL where a column does not allow it', async () => {
    const kinds = {
      'log_head size': 'head',
      'log_head first_position': 'missing',
      'log_head segment_bits': 'head',
      'log_identity origin': 'identity',
      'log_identity verifier_key': 'identity',
      'trees size': 'tree',
    };
    for (const [place, kind] of Object.entries(kinds)) {
      const [table, column] = place.split(' ');
      const sql = `ALTER TABLE ${table} ALTER ${column} DROP NOT NULL; UPDATE ${table} SET ${column} = NULL`;
      expect(found(await verifyTampered(client, sql)).kinds, place).toContain(kind);
    }
  });
});

describe('the tail that is not in the trees yet', () => {
  const TAIL = 40;
  const tail = fc.integer({ min: SIZE, max: SIZE + TAIL - 1 });
  beforeAll(() => log(TAIL));

  test('holds', async () => {
    expect(await verifyTampered(client, 'SELECT 1')).toMatchObject({ findings: [], size: SIZE + TAIL });
  });

  test('an event', () =>
    check(
      fc.tuple(keys(EVENT_EDITS), tail),
      async ([edit, at]) => {
        const [column = ''] = edit.split(' ');
        const sql = `UPDATE audit_events SET "${column}" = ${EVENT_EDITS[edit]} WHERE position = ${at}`;
        const { rows } = await client.query(`SELECT customer_id FROM audit_events WHERE position = ${at}`);
        const isEdited = column !== 'customer_id' || rows[0].customer_id !== null;
        const expected = isEdited ? { kinds: ['changed'], position: at } : expect.anything();
        expect(found(await verifyTampered(client, sql)), sql).toEqual(expected);
      },
      RUNS / 2,
    ));

  test('events and their leaf hashes, or their order: only the head tells, and not to the position', () =>
    check(
      fc.tuple(tail, tail),
      async ([a, b]) => {
        const forged = await verifyTampered(client, () => forge(client, a));
        expect(found(forged).kinds).toEqual(['changed']);
        expect(forged.findings[0]?.position).toBeLessThanOrEqual(a);
        expect(forged.findings[0]?.position).toBeGreaterThanOrEqual(SIZE);
        if (a !== b) expect(found(await verifyTampered(client, exchange(a, b))).kinds).toEqual(['changed']);
      },
      RUNS / 4,
    ));

  test('deleted and inserted', () =>
    check(
      tail,
      async (at) => {
        const removed = await verifyTampered(client, `DELETE FROM audit_events WHERE position = ${at}`);
        expect(found(removed)).toEqual({ kinds: ['missing'], position: at });
        const added = await verifyTampered(client, copyTo(at, SIZE + TAIL + (at % 3)));
        expect(found(added)).toEqual({ kinds: ['extra'], position: SIZE + TAIL + (at % 3) });
        const newest = await verifyTampered(client, `DELETE FROM audit_events WHERE position >= ${at}`);
        expect(newest.findings).toMatchObject([{ kind: 'missing', position: at, count: SIZE + TAIL - at }]);
      },
      RUNS / 4,
    ));

  test('the head', async () => {
    for (const edit of Object.values(HEAD_EDITS))
      expect(found(await verifyTampered(client, `UPDATE log_head SET ${edit}`)), edit).toEqual({
        kinds: ['head'],
      });
  });
});

/** Where the rows of a table are. */
async function places(table: string): Promise<string[]> {
  const { rows } = await client.query<{ place: string }>(
    `SELECT ctid::text AS place FROM ${table} ORDER BY 1`,
  );
  return rows.map(({ place }) => place);
}

/** Exchanges the values of a column in two rows. */
function swap(table: string, column: string, [a, b]: [string, string]): string {
  return `UPDATE ${table} AS one SET ${column} = other.${column} FROM ${table} AS other
    WHERE (one.ctid = '${a}' AND other.ctid = '${b}') OR (one.ctid = '${b}' AND other.ctid = '${a}')`;
}

function copyTo(from: number, to: number): string {
  return `CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM audit_events WHERE position = ${from};
    UPDATE copied SET position = ${to}; INSERT INTO audit_events SELECT * FROM copied`;
}

function exchange(a: number, b: number): string {
  const steps = [
    [a, 700],
    [b, a],
    [700, b],
  ];
  return steps
    .map(([from, to]) => `UPDATE audit_events SET position = ${to} WHERE position = ${from}`)
    .join(';');
}
