import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { verifyTheDatabase } from '../../src/cli/verify/database.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { startProgram } from '../support/process.ts';
import { onServer } from '../support/server.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const NOTE = graphql(`
  query Note($customerId: String) {
    checkpoint(customerId: $customerId) { note verifierKey }
  }
`);

let database: TestDatabase;
let service: TestService;
let pool: Pool;
let folder: string;
let verifierKey: string;

test.beforeAll(async ({ later, createDatabase, startService, createPool }) => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-verify-'));
  later(() => rm(folder, { recursive: true }));
  database = await createDatabase();
  service = await startService(database.url, { ANCHOR_FILE: join(folder, 'anchors') });
  pool = createPool(database.url, () => undefined);
  await logWarnings(service, 40, { more: { customerId: 'acme' } });
  for (const customerId of [null, 'acme']) {
    const { checkpoint } = dataOf(await service.ask(NOTE, { customerId }));
    if (!checkpoint) throw new Error('there is no checkpoint');
    await writeFile(join(folder, `kept${customerId ? `-${customerId}` : ''}`), checkpoint.note);
    ({ verifierKey } = checkpoint);
  }
  await logWarnings(service, 10);
  vi.stubEnv('DATABASE_URL', database.url);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** Runs `audit-log verify` to its end, for what the program itself decides: flags, output and exit code. */
async function verify(words: string[], url = database.url) {
  const program = startProgram('cli/main.ts', { DATABASE_URL: url }, ['verify', ...words]);
  const { code } = await program.ended;
  return { code, said: program.said() };
}

test('verifies while the service writes, against what was kept', async () => {
  const kept = ['kept', 'kept-acme', 'anchors'].map((name) => join(folder, name));
  const words = ['--checkpoint', ...kept, '--key', verifierKey, '--json'];
  const [{ code, said }] = await Promise.all([verify(words), logWarnings(service, 500)]);
  expect(code).toBe(0);
  const result = JSON.parse(said);
  expect(result).toMatchObject({ outcome: 'verified', isKeyGiven: true, customerTrees: 1, findings: [] });
  expect(result.events).toBe(result.size);
  expect(result.keptCheckpoints).toBeGreaterThanOrEqual(3);
});

test('says whose key it believed, and how to do better', async () => {
  const { outcome, lines } = await verifyTheDatabase({});
  const said = lines.join('\n');
  expect(outcome).toBe('verified');
  expect(said).toContain('Verified');
  expect(said).toContain(
    `Signed by: ${verifierKey} (the database's own: give the one that you kept with --key)`,
  );
});

test('names the first event that was changed', async () => {
  const edit = async (action: string) => {
    const client = await pool.connect();
    await client.query("SET session_replication_role = 'replica'");
    await client.query('UPDATE audit_events SET action = $1 WHERE position = 7', [action]);
    await client.query('RESET session_replication_role');
    client.release();
  };
  await edit('a7 \u001b[31m');
  const human = await verify([]);
  expect(human.code).toBe(2);
  expect(human.said).toContain('[changed] position 7: the event was changed');
  const program = await verify(['database', '--json']);
  expect(program.code).toBe(2);
  expect(JSON.parse(program.said)).toMatchObject({
    outcome: 'does not hold',
    findings: [{ kind: 'changed', position: 7, count: 1 }],
  });
  await edit('a7');
  expect(await verifyTheDatabase({})).toMatchObject({ outcome: 'verified' });
});

test('cannot decide about a log that nobody signed, and says what it cannot use', async () => {
  const empty = await createDatabase();
  expect(await verify([], empty.url)).toMatchObject({ code: 3, said: expect.stringContaining('Undecided') });
  await empty.drop();
  const none = await verify(['--checkpoint', join(folder, 'nothing')]);
  expect(none).toMatchObject({ code: 1, said: expect.stringContaining('no such file') });
  await writeFile(join(folder, 'letter'), 'Dear log');
  await expect(verifyTheDatabase({ checkpoint: [join(folder, 'letter')] })).rejects.toThrow();
  await expect(verifyTheDatabase({ key: 'mine' })).rejects.toThrow();
  const foreign = await verify([], database.url.replace(/\/test_[^/]*$/, '/template1'));
  expect(foreign).toMatchObject({ code: 1, said: expect.stringContaining('is not that of an audit log') });
  expect(await verify(['--help'])).toMatchObject({ code: 0, said: expect.stringContaining('Exit code') });
});

test('says which part of the database is missing', async () => {
  const other = await createDatabase();
  await onServer(other.url, 'ALTER TABLE log_head RENAME segment_bits TO bits');
  const column = await verify([], other.url);
  expect(column.code).toBe(2);
  expect(column.said.trim().split('\n')).toEqual([
    'The evidence does not hold:',
    '  [catalog] missing or changed: CREATE TABLE log_head',
    expect.stringMatching(/^ {2}\[incomplete\] the verification could not be finished: .*segment_bits/),
  ]);
  await onServer(other.url, 'DROP TABLE log_head CASCADE');
  const table = await verify([], other.url);
  expect(table).toMatchObject({
    code: 2,
    said: expect.stringContaining('missing or changed: CREATE TABLE log_head'),
  });
  await other.drop({ isTampered: true });
});
