import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, startService, type TestService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';

const CUSTOMER = 'globex & sons/é';
const COUNT = 600;

let database: TestDatabase;
let service: TestService;
let folder: string;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-outside-'));
  database = await createDatabase();
  service = await startService(database.url, { ORIGIN: 'example.org/outside' });
  await logWarnings(service, COUNT / 2, { more: { customerId: CUSTOMER } });
  await keep('first', '/checkpoint');
  await logWarnings(service, COUNT / 2);
  await keep('second', '/checkpoint');
  await keep('of-customer', `/customers/${encodeURIComponent(CUSTOMER)}/checkpoint`);
  key = (await (await get('/verifier-key')).text()).trim();
});
afterAll(async () => {
  await service.stop();
  await database.drop();
  await rm(folder, { recursive: true });
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
const verify = (...words: string[]) => run('verify', ...words, '--key', key);
const outcome = async (words: string[]) => {
  const { code, said } = await verify(...words, '--json');
  return { code, ...JSON.parse(said) };
};

describe('an export', () => {
  test('of the whole log, packed or not, gives the checkpoints; a changed line is named', async () => {
    await run('export', '--output', file('log.ndjson'));
    const lines = await readFile(file('log.ndjson'), 'utf8');
    await writeFile(file('log.ndjson.gz'), gzipSync(lines));
    const checkpoints = ['--checkpoint', file('first'), file('second')];
    for (const name of ['log.ndjson', 'log.ndjson.gz'])
      expect(await outcome(['export', file(name), ...checkpoints])).toMatchObject({
        code: 0,
        outcome: 'verified',
        tree: 'log',
        lines: COUNT,
        heldCheckpoints: 2,
      });
    await writeFile(file('edited'), lines.replace('"action":"a7"', '"action":"b7"'));
    const edited = await verify('export', file('edited'), ...checkpoints, '--tiles', service.url);
    expect(edited).toMatchObject({ code: 2, said: expect.stringContaining('[changed] position 7: ') });
    const older = ['export', file('log.ndjson'), '--checkpoint', file('first')];
    expect(await outcome(older)).toMatchObject({ code: 3, outcome: 'undecided', newer: COUNT / 2 });
    expect(await outcome([...older, '--ignore-newer'])).toMatchObject({ code: 0 });
  });

  test('of a customer is all of its events, by its own checkpoint, and that of nobody else', async () => {
    const filter = JSON.stringify({ customerId: CUSTOMER });
    await run('export', '--filter', filter, '--output', file('customer.ndjson'));
    const own = ['export', file('customer.ndjson'), '--checkpoint', file('of-customer')];
    const { code, said } = await verify(...own);
    expect(code).toBe(0);
    expect(said).toContain(
      `the ${COUNT / 2} events of the customer "${CUSTOMER}", among the first ${COUNT} of`,
    );
    const lines = (await readFile(file('customer.ndjson'), 'utf8')).split('\n').toSpliced(100, 1);
    await writeFile(file('customer.ndjson'), lines.join('\n'));
    const tiles = ['--tiles', `${service.url}/customers/${encodeURIComponent(CUSTOMER)}`];
    expect(await outcome([...own, ...tiles])).toMatchObject({
      code: 2,
      findings: [{ kind: 'missing', position: 100, count: 1 }],
    });
    const mixed = ['export', file('customer.ndjson'), '--checkpoint', file('of-customer'), file('first')];
    expect(await verify(...mixed)).toMatchObject({
      code: 1,
      said: expect.stringContaining('different trees'),
    });
  });
});

test('a bundle proves an event to whoever has nothing but the key; a changed one does not', async () => {
  const { data } = await service.ask(
    '{ auditEvents(filter: { action: "a7" }, first: 1) { edges { node { id } } } }',
  );
  const [edge] = (data as unknown as { auditEvents: { edges: { node: { id: string } }[] } }).auditEvents
    .edges;
  const id = edge?.node.id ?? '';
  expect((await run('prove', id, '--output', file('proof'))).code).toBe(0);
  const proved = await verify('bundle', file('proof'));
  expect(proved).toMatchObject({ code: 0, said: expect.stringContaining(id) });
  const bundle = await readFile(file('proof'), 'utf8');
  await writeFile(file('proof'), bundle.replace(/^index \d+$/m, 'index 8'));
  expect(await verify('bundle', file('proof'))).toMatchObject({ code: 2 });
  const none = await run('prove', `audit_${'0'.repeat(32)}`);
  expect(none).toMatchObject({ code: 2, said: expect.stringContaining('there is no event') });
});

test('two checkpoints: by a proof, by the tiles, and not by nothing', async () => {
  const both = ['consistency', file('first'), file('second')];
  await run('prove', 'growth', String(COUNT / 2), String(COUNT), '--output', file('growth'));
  expect(await verify(...both, '--proof', file('growth'))).toMatchObject({ code: 0 });
  expect(await verify(...both, '--tiles', service.url)).toMatchObject({ code: 0 });
  expect(await verify(...both)).toMatchObject({ code: 3 });
  await writeFile(file('growth'), `${Buffer.alloc(32).toString('base64')}\n`);
  expect(await verify(...both, '--proof', file('growth'))).toMatchObject({ code: 2 });
});

test('a log at a distance: what it serves is what was signed and kept, until somebody edits it', async () => {
  const kept = ['--checkpoint', file('first'), file('second')];
  expect(await outcome(['remote', service.url, ...kept])).toMatchObject({
    code: 0,
    size: COUNT,
    leaves: COUNT,
    events: COUNT,
    keptCheckpoints: 2,
  });
  const customer = `${service.url}/customers/${encodeURIComponent(CUSTOMER)}`;
  expect(
    await outcome(['remote', customer, '--checkpoint', file('of-customer'), '--no-entries']),
  ).toMatchObject({
    code: 0,
    leaves: COUNT / 2,
    events: 0,
  });
  const pool = createPool(database.url, () => undefined, { max: 1 });
  const edit = async (action: string) => {
    await pool.query("SET session_replication_role = 'replica'");
    await pool.query('UPDATE audit_events SET action = $1 WHERE position = 301', [action]);
  };
  await edit('nothing happened');
  expect(await outcome(['remote', service.url, ...kept])).toMatchObject({
    code: 2,
    findings: [{ kind: 'changed', position: 301, count: 1 }],
  });
  await edit('a1');
  await pool.end();
  const gone = await verify('remote', 'http://127.0.0.1:9');
  expect(gone).toMatchObject({ code: 1, said: expect.stringContaining('cannot be read') });
});
