import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, vi } from 'vitest';
import { verifyTheExport } from '../../src/cli/verify/export.ts';
import { verifyTheBundle, verifyTheConsistency } from '../../src/cli/verify/proofs.ts';
import { verifyTheRemote } from '../../src/cli/verify/remote.ts';
import { createPool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { CREATE_KEY } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const CUSTOMER = 'globex & sons/é';
const COUNT = 600;

let database: TestDatabase;
let service: TestService;
let folder: string;
let key: string;

test.beforeAll(async ({ later, createDatabase, startService }) => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-outside-'));
  later(() => rm(folder, { recursive: true }));
  database = await createDatabase();
  service = await startService(database.url, { ORIGIN: 'example.org/outside' });
  await logWarnings(service, COUNT / 2, { more: { customerId: CUSTOMER } });
  await keep('first', '/checkpoint');
  await logWarnings(service, COUNT / 2);
  await keep('second', '/checkpoint');
  await keep('of-customer', `/customers/${encodeURIComponent(CUSTOMER)}/checkpoint`);
  key = (await (await get('/verifier-key')).text()).trim();
  vi.stubEnv('AUDIT_LOG_KEY', ADMIN_KEY);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const file = (name: string) => join(folder, name);
const get = (path: string) =>
  fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });

async function keep(name: string, path: string): Promise<void> {
  await writeFile(file(name), await (await get(path)).text());
}

/** Runs `audit-log` with the words to its end. */
async function run(...words: string[]) {
  const environment = { AUDIT_LOG_URL: service.url, AUDIT_LOG_KEY: ADMIN_KEY };
  const program = startProgram('cli/main.ts', environment, words);
  const { code } = await program.ended;
  return { code, said: program.said() };
}

const customerPrefix = () => `${service.url}/customers/${encodeURIComponent(CUSTOMER)}`;

describe('an export', () => {
  test('of the whole log, packed or not, gives the checkpoints; a changed line is named', async () => {
    await run('export', '--output', file('log.ndjson'));
    const lines = await readFile(file('log.ndjson'), 'utf8');
    await writeFile(file('log.ndjson.gz'), gzipSync(lines));
    const given = { checkpoint: [file('first'), file('second')], key };
    for (const name of ['log.ndjson', 'log.ndjson.gz'])
      expect(await verifyTheExport(file(name), given)).toMatchObject({
        outcome: 'verified',
        json: { tree: 'log', lines: COUNT, heldCheckpoints: 2 },
      });
    await writeFile(file('edited'), lines.replace('"action":"a7"', '"action":"b7"'));
    expect(await verifyTheExport(file('edited'), { ...given, tiles: service.url })).toMatchObject({
      outcome: 'does not hold',
      json: { findings: [{ kind: 'changed', position: 7 }] },
    });
    const older = { checkpoint: [file('first')], key };
    expect(await verifyTheExport(file('log.ndjson'), older)).toMatchObject({
      outcome: 'undecided',
      json: { newer: COUNT / 2 },
    });
    expect(await verifyTheExport(file('log.ndjson'), { ...older, ignoreNewer: true })).toMatchObject({
      outcome: 'verified',
    });
  });

  test('of a customer is all of its events, by its own checkpoint, and that of nobody else', async () => {
    const filter = JSON.stringify({ customerId: CUSTOMER });
    await run('export', '--filter', filter, '--output', file('customer.ndjson'));
    const given = { checkpoint: [file('of-customer')], key };
    const { outcome, lines: said } = await verifyTheExport(file('customer.ndjson'), given);
    expect(outcome).toBe('verified');
    const events = `the ${COUNT / 2} events of the customer "${CUSTOMER}", among the first ${COUNT} of the log`;
    expect(said[0]).toContain(events);
    const lines = (await readFile(file('customer.ndjson'), 'utf8')).split('\n').toSpliced(100, 1);
    await writeFile(file('customer.ndjson'), lines.join('\n'));
    const located = { ...given, tiles: customerPrefix() };
    expect(await verifyTheExport(file('customer.ndjson'), located)).toMatchObject({
      outcome: 'does not hold',
      json: { findings: [{ kind: 'missing', position: 100, count: 1 }] },
    });
    const mixed = { checkpoint: [file('of-customer'), file('first')], key };
    await expect(verifyTheExport(file('customer.ndjson'), mixed)).rejects.toThrow('different trees');
  });
});

const SEVENTH = graphql(`
  query Seventh {
    auditEvents(filter: { action: "a7" }, first: 1) {
      edges { node { id } }
    }
  }
`);

test('a bundle proves an event to whoever has nothing but the key; a changed one does not', async () => {
  const [edge] = dataOf(await service.ask(SEVENTH)).auditEvents.edges;
  const id = edge?.node.id ?? '';
  expect((await run('prove', id, '--output', file('proof'))).code).toBe(0);
  const proved = await run('verify', 'bundle', file('proof'), '--key', key, '--json');
  expect(proved.code).toBe(0);
  expect(JSON.parse(proved.said)).toMatchObject({
    outcome: 'verified',
    tree: 'log',
    event: { id, action: 'a7' },
  });
  const bundle = await readFile(file('proof'), 'utf8');
  for (const edit of [
    bundle.replace(/^index \d+$/m, 'index 8'),
    bundle.replace('example.org/outside\n', 'x\n'),
  ]) {
    await writeFile(file('proof'), edit);
    expect(await verifyTheBundle(file('proof'), { key })).toMatchObject({ outcome: 'does not hold' });
  }
  const none = await run('prove', `audit_${'0'.repeat(32)}`);
  expect(none).toMatchObject({ code: 2, said: expect.stringContaining('there is no event') });
}, 120_000);

test('two checkpoints: by a proof, by the tiles, and not by nothing', async () => {
  const both = [file('first'), file('second')] as const;
  await run('prove', 'growth', String(COUNT / 2), String(COUNT), '--output', file('growth'));
  const proof = file('growth');
  expect(await verifyTheConsistency(both, { key, proof })).toMatchObject({ outcome: 'verified' });
  expect(await verifyTheConsistency(both, { key, tiles: service.url })).toMatchObject({
    outcome: 'verified',
  });
  expect(await verifyTheConsistency(both, { key })).toMatchObject({ outcome: 'undecided' });
  await writeFile(proof, `${Buffer.alloc(32).toString('base64')}\n`);
  expect(await verifyTheConsistency(both, { key, proof })).toMatchObject({ outcome: 'does not hold' });
  for (const none of [undefined, '']) {
    vi.stubEnv('AUDIT_LOG_KEY', none);
    const unasked = verifyTheConsistency(both, { key, tiles: service.url });
    // The message of a request without a key, and not of one with a wrong key.
    await expect(unasked).rejects.toThrow(/status 401: no API key was sent: .+: set AUDIT_LOG_KEY/);
  }
  vi.stubEnv('AUDIT_LOG_KEY', ADMIN_KEY);
}, 120_000);

test('a log at a distance: what it serves is what was signed and kept, until somebody edits it', async () => {
  const given = { key, checkpoint: [file('first'), file('second')], entries: true };
  expect(await verifyTheRemote(service.url, given)).toMatchObject({
    outcome: 'verified',
    json: { size: COUNT, leaves: COUNT, events: COUNT, keptCheckpoints: 2 },
  });
  const hashes = { key, checkpoint: [file('of-customer')], entries: false };
  expect(await verifyTheRemote(customerPrefix(), hashes)).toMatchObject({
    outcome: 'verified',
    json: { leaves: COUNT / 2, events: 0 },
  });
  const pool = createPool(database.url, () => undefined, { max: 1 });
  const edit = async (action: string) => {
    await pool.query("SET session_replication_role = 'replica'");
    await pool.query('UPDATE audit_events SET action = $1 WHERE position = 301', [action]);
  };
  await edit('nothing happened');
  expect(await verifyTheRemote(service.url, given)).toMatchObject({
    outcome: 'does not hold',
    json: { findings: [{ kind: 'changed', position: 301, count: 1 }] },
  });
  await edit('a1');
  await pool.end();
  await expect(verifyTheRemote('http://127.0.0.1:9', given)).rejects.toThrow('cannot be read');
});

test('a customer that the log does not know is an error, and a key of another says what the service said', async () => {
  const none = await run('verify', 'remote', service.url, '--customer', 'nobody', '--key', key);
  expect(none).toMatchObject({ code: 1, said: expect.stringContaining('no such customer') });
  const bound = { name: 'bound', scopes: ['EVENTS_READ' as const], customerId: 'acme' };
  const { secret } = dataOf(await service.ask(CREATE_KEY, bound)).createApiKey;
  vi.stubEnv('AUDIT_LOG_KEY', secret);
  const refused = verifyTheRemote(service.url, { key, entries: true });
  await expect(refused).rejects.toThrow(/answered with status 403: (?!set AUDIT_LOG_KEY).*customer/);
  vi.stubEnv('AUDIT_LOG_KEY', ADMIN_KEY);
});

test('exit codes: 0 verified, 1 an error, 2 does not hold, 3 undecided', async () => {
  const words = ['verify', 'consistency', file('first'), file('second'), '--key', key];
  expect(await run(...words, '--tiles', service.url)).toMatchObject({ code: 0 });
  expect(await run(...words)).toMatchObject({ code: 3 });
  expect(await run(...words, '--proof', file('nothing'))).toMatchObject({ code: 1 });
  const other = ['verify', 'remote', service.url, '--key', key.replace(/..$/, 'AA')];
  expect(await run(...other)).toMatchObject({ code: 1, said: expect.stringContaining('key') });
}, 120_000);
