import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { openCheckpoint } from '../../src/merkle/checkpoint.ts';
import { parseVerifierKey } from '../../src/merkle/note.ts';
import { noteVerifier } from '../../src/merkle/signatures.ts';
import { emptyFrontier, rootOf } from '../../src/merkle/tree.ts';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { type Rogue, startRogue } from '../support/rogue.ts';
import { dataOf, startService, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const ORIGIN = 'example.org/audit';

let database: TestDatabase;
let pool: Pool;
let folder: string;
let logKey: string;
let running: { stop(): Promise<void> }[] = [];

test.beforeAll(async ({ later, createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  folder = await mkdtemp(join(tmpdir(), 'audit-log-anchors-'));
  later(() => rm(folder, { recursive: true, force: true }));
  await (await start({})).stop();
  const { rows } = await pool.query<{ key: string }>('SELECT verifier_key AS key FROM log_identity');
  logKey = rows[0]?.key ?? '';
});
afterEach(async () => {
  for (const { stop } of running.reverse()) await stop();
  running = [];
});

/** Starts a service that sends nothing again because the machine is slow, unless another timeout is given. */
async function start(environment: Record<string, string>): Promise<TestService> {
  const service = await startService(database.url, { ORIGIN, OUTBOUND_TIMEOUT_MS: '20000', ...environment });
  running.push(service);
  return service;
}

async function startReceiver(...answer: Parameters<typeof startRogue>): Promise<Rogue> {
  const receiver = await startRogue(...answer);
  running.push(receiver);
  return receiver;
}

async function sizeOf(note: string | undefined): Promise<number> {
  const logKeys = [noteVerifier(parseVerifierKey(logKey))];
  return (await openCheckpoint(note ?? '', { origin: ORIGIN, logKeys })).checkpoint.treeSize;
}

/** The notes of an anchor file, as its description says how to take it apart. */
async function notesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n\n\n')
    .filter((note) => note !== '')
    .map((note) => `${note}\n`);
}

const ALTERED = graphql(`
  query Altered {
    auditEvents(filter: { action: "log.altered" }) {
      edges { node { description } }
    }
  }
`);

async function alarms(service: TestService): Promise<{ description: string }[]> {
  const { edges } = dataOf(await service.ask(ALTERED)).auditEvents;
  return edges.map(({ node }) => node);
}

test('checkpoints are added to the file at start, on a timer, and at stop', async () => {
  const file = join(folder, 'kept');
  const service = await start({ ANCHOR_FILE: file, ANCHOR_INTERVAL_MS: '100' });
  await expect.poll(async () => (await notesIn(file)).length).toBeGreaterThan(0);
  await logWarnings(service, 20);
  await expect.poll(async () => sizeOf((await notesIn(file)).at(-1))).toBe(20);
  await service.stop();
  const again = await start({ ANCHOR_FILE: file });
  await logWarnings(again, 3);
  await again.stop();
  const sizes = await Promise.all((await notesIn(file)).map(sizeOf));
  expect(sizes.at(-1)).toBe(23);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test('what a crash cut off in the file is passed over', async () => {
  const file = join(folder, 'cut');
  await (await start({ ANCHOR_FILE: file })).stop();
  const before = await notesIn(file);
  await appendFile(file, before[0]?.slice(0, -20) ?? '');
  await (await start({ ANCHOR_FILE: file })).stop();
  const after = await notesIn(file);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.length).toBeGreaterThan(before.length + 1);
  await expect(sizeOf(after[before.length])).rejects.toThrow();
  expect(await Promise.all(after.slice(before.length + 1).map(sizeOf))).not.toContain(0);
});

test('a file of something else is not written to', async () => {
  const file = join(folder, 'foreign');
  await writeFile(file, 'something else\n');
  await expect(start({ ANCHOR_FILE: file })).rejects.toThrow(/ANCHOR_FILE.*holds no checkpoint/);
  await expect(start({ ANCHOR_FILE: join(folder, 'no', 'folder') })).rejects.toThrow(/ANCHOR_FILE/);
  expect(await readFile(file, 'utf8')).toBe('something else\n');
});

test('the webhook gets checkpoints as text at start, on a timer, and at stop', async () => {
  const receiver = await startReceiver((_, response) => response.writeHead(204).end());
  const service = await start({ ANCHOR_WEBHOOK: `${receiver.url}/anchors?key=1`, ANCHOR_INTERVAL_MS: '100' });
  await logWarnings(service, 5);
  await expect.poll(async () => sizeOf(receiver.requests.at(-1)?.body), { timeout: 10_000 }).toBe(28);
  const before = receiver.requests.length;
  await service.stop();
  expect(receiver.requests.length).toBeGreaterThan(before);
  for (const { method, type } of receiver.requests)
    expect([method, type]).toEqual(['POST', 'text/plain; charset=utf-8']);
});

const FAILURES: Record<string, RequestListener> = {
  'answers with 500': (_, response) => response.writeHead(500).end(),
  'breaks off': (_, response) => response.destroy(),
  hangs: () => undefined,
  'sends elsewhere': (_, response) => response.writeHead(308, { location: '/elsewhere' }).end(),
};

test.each(Object.entries(FAILURES))('a webhook that %s gets the checkpoint again', async (name, fail) => {
  let isFirst = true;
  const paths: (string | undefined)[] = [];
  const receiver = await startReceiver((request, response) => {
    paths.push(request.url);
    if (isFirst) fail(request, response);
    else response.end();
    isFirst = false;
  });
  const timeout = name === 'hangs' ? { OUTBOUND_TIMEOUT_MS: '1000' } : {};
  const service = await start({ ANCHOR_WEBHOOK: receiver.url, ...timeout });
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(2);
  expect(paths).toEqual(['/', '/']);
  expect(receiver.requests[1]?.body).toBe(receiver.requests[0]?.body);
  await service.stop();
});

test('a webhook that asks for time gets it', async () => {
  const times: number[] = [];
  const receiver = await startReceiver((_, response) => {
    times.push(performance.now());
    response.writeHead(times.length === 1 ? 503 : 204, { 'retry-after': '3' }).end();
  });
  const service = await start({ ANCHOR_WEBHOOK: receiver.url });
  await expect.poll(() => times.length, { timeout: 20_000 }).toBe(2);
  const [first = 0, second = 0] = times;
  expect(second - first).toBeGreaterThan(2_900);
  await service.stop();
});

test('of instances with one webhook one posts at a time, and another takes over', async () => {
  const receiver = await startReceiver((_, response) => response.writeHead(204).end());
  const settings = { ANCHOR_WEBHOOK: receiver.url };
  const one = await start(settings);
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(1);
  const two = await start(settings);
  await two.stop();
  expect(receiver.requests.length).toBe(1);
  const file = join(folder, 'of-the-third');
  const three = await start({ ...settings, ANCHOR_FILE: file, ANCHOR_INTERVAL_MS: '100' });
  // It anchors in its file, then asks for the turn, again and again.
  await expect.poll(async () => (await notesIn(file)).length, { timeout: 20_000 }).toBeGreaterThan(2);
  expect(receiver.requests.length).toBe(1);
  await one.stop();
  const posted = receiver.requests.length;
  expect(posted).toBeGreaterThan(1);
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBeGreaterThan(posted);
  await three.stop();
  // Whoever has the turn posts when it starts and when it stops, each once.
  const before = receiver.requests.length;
  const four = await start(settings);
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(before + 1);
  await four.stop();
  expect(receiver.requests.length).toBe(before + 2);
});

test('a webhook that never answers does not hold up the stop', async () => {
  const receiver = await startReceiver(() => undefined);
  const service = await start({ ANCHOR_WEBHOOK: receiver.url, OUTBOUND_TIMEOUT_MS: '600000' });
  await expect.poll(() => receiver.requests.length).toBe(1);
  // The test's own time is shorter than that.
  await service.stop();
});

/** What a superuser can do: everything stored begins anew. */
async function emptyLog(): Promise<void> {
  const client = await pool.connect();
  await client.query('SET session_replication_role = replica');
  await client.query(
    'TRUNCATE audit_events, idempotency_keys, trees, tree_tiles, checkpoints, cosignatures, evidence_counts',
  );
  await client.query('TRUNCATE summary_counts');
  await client.query('UPDATE summary_scopes SET counted = 0, earliest = NULL, latest = NULL');
  await client.query("UPDATE log_head SET size = 0, frontier = '', root_hash = $1", [rootOf(emptyFrontier)]);
  client.release(true);
}

test('a log that does not continue what the file says is not signed, and raises an alarm', async () => {
  const file = join(folder, 'witness');
  await (await start({ ANCHOR_FILE: file })).stop();
  const before = await readFile(file, 'utf8');
  await emptyLog();
  const rolledBack = await start({ ANCHOR_FILE: file, ANCHOR_INTERVAL_MS: '100' });
  await expect.poll(() => alarms(rolledBack)).toHaveLength(1);
  expect((await alarms(rolledBack))[0]?.description).toMatch(/by the anchor file, 28 events were signed/);
  const { errors } = await rolledBack.ask('{ checkpoint { treeSize } }');
  expect(errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
  await rolledBack.stop();

  const unaware = await start({});
  await logWarnings(unaware, 50, { prefix: 'other' });
  expect(await unaware.ask('{ checkpoint { treeSize } }')).toEqual({
    data: { checkpoint: { treeSize: 51 } },
  });
  await unaware.stop();
  const rewritten = await start({ ANCHOR_FILE: file });
  await expect.poll(() => alarms(rewritten)).toHaveLength(2);
  expect((await alarms(rewritten))[0]?.description).toMatch(/no longer begins with the 28 events/);
  await rewritten.stop();
  const { rows } = await pool.query<{ size: number }>(
    "SELECT max(tree_size) AS size FROM checkpoints WHERE tree = 'log'",
  );
  expect(rows[0]?.size).toBe(51);
  expect(await readFile(file, 'utf8')).toBe(before);
});
