import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyTheExport } from '../../src/cli/verify/export.ts';
import type { CommandResult } from '../../src/cli/verify/output.ts';
import { verifyTheRemote } from '../../src/cli/verify/remote.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { purgeAsBefore } from '../support/old-purge.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';

const DAY_MS = 86_400_000;
const SETTINGS = { SEGMENT_BITS: '8', ORIGIN: 'example.org/removal' };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-removal-'));
  vi.stubEnv('AUDIT_LOG_KEY', ADMIN_KEY);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const get = (service: TestService, path: string) =>
  fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });

/** Verifies what a service serves, in every way that sees where the log begins. */
async function verifyAll(service: TestService, pool: Pool, start: number) {
  const key = (await (await get(service, '/verifier-key')).text()).trim();
  const checkpoint = join(folder, 'checkpoint');
  await writeFile(checkpoint, await (await get(service, '/checkpoint')).text());
  const { url } = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport;
  const lines = join(folder, 'log.ndjson');
  await writeFile(lines, await (await fetch(url)).text());
  const flags = { checkpoint: [checkpoint], key, tiles: service.url, start };
  return {
    database: (await verifyDatabase(pool)).findings,
    exported: findingsOf(await verifyTheExport(lines, flags)),
    remote: findingsOf(await verifyTheRemote(service.url, { key, entries: true })),
  };
}

function findingsOf({ outcome, json }: CommandResult) {
  const { findings } = json as { findings: object[] };
  expect(outcome).toBe(findings.length === 0 ? 'verified' : 'does not hold');
  return findings;
}

const NOTHING = { database: [], exported: [], remote: [] };

/** What somebody does who owns the tables, past triggers and privileges. */
async function asSuperuser(pool: Pool, ...statements: string[]): Promise<void> {
  const client = await pool.connect();
  await client.query("SET session_replication_role = 'replica'");
  for (const statement of statements) await client.query(statement);
  client.release(true);
}

async function actionsAt(
  pool: Pool,
  action: string,
): Promise<{ position: number; details: Record<string, unknown> }[]> {
  const { rows } = await pool.query<{ position: number; details: Record<string, unknown> }>(
    'SELECT position, details FROM audit_events WHERE action = $1 ORDER BY position',
    [action],
  );
  return rows;
}

describe('a log of which retention has removed something', () => {
  let database: TestDatabase;
  let service: TestService;
  let pool: Pool;
  let now = Date.now();

  beforeAll(async () => {
    database = await createDatabase();
    pool = createPool(database.url, () => undefined);
    service = await startService(database.url, SETTINGS, { now: () => now, databaseNow: async () => now });
    await logWarnings(service, 600);
    await service.ask('{ checkpoint { treeSize } }');
    now += 10 * DAY_MS;
    await logWarnings(service, 100, { prefix: 'b' });
    expect(await service.ask('mutation { purgeEvents(olderThanDays: 5) { purged } }')).toEqual({
      data: { purgeEvents: { purged: 600 } },
    });
    await logWarnings(service, 50, { prefix: 'c' });
  });
  afterAll(async () => {
    await service.stop();
    await pool.end();
    await database.drop({ isTampered: true });
  });

  test('verifies in every way, for an event announces its range, its number and its root hash', async () => {
    expect(await verifyAll(service, pool, 600)).toEqual(NOTHING);
    const [announced, ...others] = await actionsAt(pool, 'log.purge');
    expect(others).toEqual([]);
    expect(announced).toEqual({
      position: 700,
      details: {
        from: 0,
        firstPosition: 600,
        purged: 600,
        olderThanDays: 5,
        rootHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  test('the announcement is served as a proof, and to nobody without a key', async () => {
    const proof = await get(service, '/purge');
    expect(proof.status).toBe(200);
    expect(await proof.text()).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra .*\nindex 700\n/);
    expect((await fetch(`${service.url}/purge`)).status).toBe(401);
    expect((await get(service, '/customers/acme/purge')).status).toBe(404);
  });

  test('a tile that is missing: 404, and the verification ends with 2', async () => {
    const where = "tree = 'log' AND level = 0 AND index = 1";
    await asSuperuser(
      pool,
      `CREATE TABLE kept AS SELECT * FROM tree_tiles WHERE ${where}`,
      `DELETE FROM tree_tiles WHERE ${where}`,
    );
    expect((await get(service, '/tile/0/001')).status).toBe(404);
    const words = ['verify', 'remote', service.url, '--json'];
    const program = startProgram('cli/main.ts', { AUDIT_LOG_KEY: ADMIN_KEY }, words);
    expect((await program.ended).code).toBe(2);
    expect(JSON.parse(program.said())).toMatchObject({ findings: [{ kind: 'tile' }] });
    await asSuperuser(pool, 'INSERT INTO tree_tiles SELECT * FROM kept', 'DROP TABLE kept');
    expect(await verifyAll(service, pool, 600)).toEqual(NOTHING);
  });

  test('more was removed than announced: the first position of that is named', async () => {
    await asSuperuser(
      pool,
      'DELETE FROM audit_events WHERE position < 650',
      'UPDATE log_head SET first_position = 650',
    );
    const found = await verifyAll(service, pool, 650);
    const missing = [
      { kind: 'missing', position: 600, message: expect.stringContaining('no event of the log announces') },
    ];
    expect(found.database).toMatchObject(missing);
    expect(found.exported).toMatchObject(missing);
    // The bundle of position 600 has others that are announced.
    expect(found.remote).toEqual([]);
  });

  test('the announcement was removed too: all before is missing', async () => {
    await asSuperuser(
      pool,
      'DELETE FROM audit_events WHERE position < 710',
      'UPDATE log_head SET first_position = 710',
    );
    const found = await verifyAll(service, pool, 710);
    for (const findings of Object.values(found))
      expect(findings).toMatchObject([{ kind: 'missing', position: 0 }]);
  });
});

test('rows that are missing where nothing was removed: 404, and the verification ends with 2', async () => {
  const database = await createDatabase();
  const pool = createPool(database.url, () => undefined);
  const service = await startService(database.url, SETTINGS);
  await logWarnings(service, 300);
  await service.ask('{ checkpoint { treeSize } }');
  await asSuperuser(
    pool,
    'DELETE FROM audit_events WHERE position = 7',
    "UPDATE audit_events SET details = 'null' WHERE position = 290",
  );
  for (const path of ['/tile/entries/000', '/tile/entries/001.p/44'])
    expect((await get(service, path)).status).toBe(404);
  const program = startProgram('cli/main.ts', { AUDIT_LOG_KEY: ADMIN_KEY }, [
    'verify',
    'remote',
    service.url,
    '--json',
  ]);
  expect((await program.ended).code).toBe(2);
  const { findings } = JSON.parse(program.said()) as { findings: object[] };
  expect(findings).toMatchObject([{ kind: 'missing', position: 0 }]);
  await service.stop();
  await pool.end();
  await database.drop({ isTampered: true });
});

describe('a log that an older version has purged', () => {
  test('upgrades, and verifies before and after, by the event that repeats what was announced', async () => {
    const database = await createDatabase();
    const pool = createPool(database.url, () => undefined);
    const old = await startService(database.url, SETTINGS);
    await logWarnings(old, 600);
    await old.ask('{ checkpoint { treeSize } }');
    // As that version did: the event first, without a root hash, then the rows.
    await purgeAsBefore(pool, 500);
    await logWarnings(old, 20, { prefix: 'after' });
    await old.ask('{ checkpoint { treeSize } }');
    await old.stop();
    await asSuperuser(pool, 'UPDATE log_head SET announced_from = NULL');
    expect((await verifyDatabase(pool)).findings).toEqual([]);
    // A database that this version was never started on has no such column, and lacks a migration.
    await pool.query('ALTER TABLE log_head RENAME COLUMN announced_from TO another');
    await pool.query(
      "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name LIKE '0061%'",
    );
    expect((await verifyDatabase(pool)).findings).toEqual([]);
    await pool.query('UPDATE _prisma_migrations SET rolled_back_at = NULL');
    await pool.query('ALTER TABLE log_head RENAME COLUMN another TO announced_from');

    const service = await startService(database.url, SETTINGS);
    const [upgrade] = await actionsAt(pool, 'log.upgrade');
    expect(upgrade?.details).toEqual({
      from: 500,
      firstPosition: 500,
      purged: 0,
      rootHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await verifyAll(service, pool, 500)).toEqual(NOTHING);
    // It is there once, whoever starts.
    await service.stop();
    const again = await startService(database.url, SETTINGS);
    expect(await actionsAt(pool, 'log.upgrade')).toHaveLength(1);
    await again.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
    expect(await verifyAll(again, pool, await firstPosition(pool))).toEqual(NOTHING);
    await again.stop();
    await pool.end();
    await database.drop();
  });

  test('an unannounced removal before the upgrade is not blessed by it', async () => {
    const database = await createDatabase();
    const pool = createPool(database.url, () => undefined);
    const old = await startService(database.url, SETTINGS);
    await logWarnings(old, 300);
    await old.ask('{ checkpoint { treeSize } }');
    await old.stop();
    await asSuperuser(
      pool,
      'DELETE FROM audit_events WHERE position < 256',
      'UPDATE log_head SET announced_from = NULL, first_position = 256',
    );
    const service = await startService(database.url, SETTINGS);
    expect((await actionsAt(pool, 'log.upgrade'))[0]?.details).toEqual({});
    const found = await verifyAll(service, pool, 256);
    for (const findings of Object.values(found))
      expect(findings).toMatchObject([{ kind: 'missing', position: 0 }]);
    await service.stop();
    await pool.end();
    await database.drop({ isTampered: true });
  });
});

async function firstPosition(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ first: number }>('SELECT first_position AS first FROM log_head');
  return rows[0]?.first ?? -1;
}
