import { mkdir, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { openCheckpoint } from '../../src/merkle/checkpoint.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import {
  formatSignatureLine,
  formatVerifierKey,
  parseVerifierKey,
  type VerifierKey,
} from '../../src/merkle/note.ts';
import { parseBundle, verifyBundle } from '../../src/merkle/proof-bundle.ts';
import { cosignatureVerifier, cosigner, type NoteSigner, noteVerifier } from '../../src/merkle/signatures.ts';
import { emptyFrontier, rootOf } from '../../src/merkle/tree.ts';
import { testKey, testPrivateKey, witnessKey } from '../merkle/keys.ts';
import { createDatabase, dataDirOf, type TestDatabase } from '../support/database.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { type Rogue, startRogue } from '../support/rogue.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { startWitness, type WitnessProcess } from '../support/witness-process.ts';
import { logWarnings } from '../support/write.ts';

const ORIGIN = 'example.org/audit';
// Of 256, the key whose text is the easiest to misread: "+WFtnE7WD+" in it looks like the ID between two pluses.
const LOG_KEY_SEED = 220;

let database: TestDatabase;
let pool: Pool;
let logKey: string;
let witness: WitnessProcess;
let running: TestService[] = [];

beforeAll(async () => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  const dataDir = dataDirOf(database.url);
  await mkdir(dataDir, { recursive: true });
  const pem = testPrivateKey(LOG_KEY_SEED).export({ format: 'pem', type: 'pkcs8' });
  await writeFile(`${dataDir}/signing-key.pem`, pem);
  const first = await startService(database.url, { ORIGIN });
  logKey = await (await get(first, '/verifier-key')).text().then((text) => text.trim());
  await first.stop();
  witness = await startWitness('witness.example/w1', logKey);
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  running = [];
});
afterAll(async () => {
  await witness.remove();
  await pool.end();
  await database.drop({ isTampered: true });
});

async function start(...witnesses: { vkey: string; url: string }[]): Promise<TestService> {
  const service = await startService(database.url, {
    WITNESSES: witnesses.map(({ vkey, url }) => `${vkey}@${url}`).join(','),
    WITNESS_INTERVAL_MS: '100',
    CHECKPOINT_INTERVAL_MS: '100',
    // A witness that hangs is given up soon, and none of the others is asked again because the machine is slow.
    OUTBOUND_TIMEOUT_MS: witnesses.some(({ vkey }) => vkey.includes('/hangs')) ? '2000' : '20000',
  });
  running.push(service);
  return service;
}

function get(service: TestService, path: string): Promise<Response> {
  return fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
}

const policyOf = (...witnesses: { vkey: string }[]) => ({
  origin: ORIGIN,
  logKeys: [noteVerifier(parseVerifierKey(logKey))],
  witnesses: witnesses.map(({ vkey }) => cosignatureVerifier(parseVerifierKey(vkey))),
  quorum: witnesses.length,
});

/** How many events are in the last checkpoint that the witness cosigned, as it is served, verified. */
async function cosignedSize(service: TestService, by: { vkey: string } = witness): Promise<number> {
  const response = await get(service, '/checkpoint?minWitnesses=1');
  if (response.status === 404) return -1;
  const { checkpoint } = await openCheckpoint(await response.text(), policyOf(by));
  return checkpoint.treeSize;
}

async function logSize(): Promise<number> {
  const { rows } = await pool.query<{ size: number }>('SELECT size FROM log_head');
  return rows[0]?.size ?? 0;
}

async function caughtUp(service: TestService): Promise<void> {
  const size = await logSize();
  await expect.poll(() => cosignedSize(service), { timeout: 20_000 }).toBe(size);
}

const COSIGNED = graphql(`
  query Cosigned {
    checkpoint(minWitnesses: 1) { treeSize note }
    auditEvents(first: 1) {
      edges { node { proofBundle(minWitnesses: 1) } }
    }
  }
`);

test('a witness cosigns; its cosignature is stored, served, and verifies', async () => {
  const service = await start(witness);
  await logWarnings(service, 300);
  await caughtUp(service);
  await logWarnings(service, 40);
  await caughtUp(service);
  const { checkpoint, auditEvents } = dataOf(await service.ask(COSIGNED));
  if (!checkpoint) throw new Error('no checkpoint is cosigned');
  expect(checkpoint.treeSize).toBe(340);
  const bundle = parseBundle(auditEvents.edges[0]?.node.proofBundle ?? '');
  const proved = await verifyBundle(leafHash(bundle.extra as Uint8Array), bundle, policyOf(witness));
  expect(proved?.cosignatures).toHaveLength(1);
  expect(witness.answered().every(({ status }) => status === 200)).toBe(true);
});

test('a restart continues where it was, and so does a restart of the witness', async () => {
  await witness.stop();
  const service = await start(witness);
  await logWarnings(service, 3);
  await witness.start();
  await caughtUp(service);
  await service.stop();
  const again = await start(witness);
  await logWarnings(again, 5);
  await caughtUp(again);
  const sizes = witness.answered();
  expect(sizes.map(({ status }) => status)).toEqual(sizes.map(() => 200));
  expect(sizes.slice(1).map(({ old }) => old)).toEqual(sizes.slice(0, -1).map(({ size }) => size));
});

test('a witness that is ahead of what is stored here is caught up with', async () => {
  await pool.query('DELETE FROM cosignatures WHERE of_witness');
  const before = witness.answered().length;
  const service = await start(witness);
  await logWarnings(service, 7);
  await caughtUp(service);
  const [first, second] = witness.answered().slice(before);
  expect(first).toMatchObject({ old: 0, status: 409 });
  expect(second).toMatchObject({ status: 200 });
  expect(second?.old).toBeGreaterThan(0);
});

test('of two instances one goes to the witnesses, and the other takes over', async () => {
  const before = witness.answered().length;
  const [one, two] = [await start(witness), await start(witness)];
  for (let round = 0; round < 5; round += 1) {
    await logWarnings(round % 2 === 0 ? one : two, 2);
    await caughtUp(one);
  }
  await one.stop();
  await logWarnings(two, 2);
  await caughtUp(two);
  const answered = witness.answered().slice(before);
  expect(answered.map(({ status }) => status)).toEqual(answered.map(() => 200));
  expect(new Set(answered.map(({ size }) => size)).size).toBe(answered.length);
});

const FUTURE = 8_000_000_000;
const forged = (seed: number, key: VerifierKey, time = Date.now() / 1_000) =>
  cosigner(key, testKey(seed).sign, () => Math.floor(time));

/** The answer of a witness to the checkpoint in a request. */
async function cosignatureLine(body: string, signer: NoteSigner): Promise<string> {
  const text = body.slice(body.indexOf('\n\n') + 2, body.lastIndexOf('\n\n') + 1);
  const { name, keyId } = signer;
  return formatSignatureLine({ name, keyId, signature: await signer.sign(text) });
}

type Behaviour = (key: VerifierKey, rogue: () => Rogue) => RequestListener;
const says =
  (status: number, body: string, headers = {}): Behaviour =>
  () =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const signs =
  (signerOf: (key: VerifierKey) => NoteSigner): Behaviour =>
  (key, rogue) =>
  async (_, response) => {
    response.end(await cosignatureLine(rogue().requests.at(-1)?.body ?? '', signerOf(key)));
  };

const ROGUES: Record<string, Behaviour> = {
  hangs: () => () => undefined,
  'breaks off': () => (_, response) => response.destroy(),
  'answers rubbish': says(200, '<html>hello</html>'),
  'answers nothing': says(200, ''),
  'answers without end': () => (_, response) => pipeline(Readable.from(forever()), response, () => undefined),
  'signs with another key': signs((key) => forged(99, key)),
  'signs as somebody else': signs((key) => forged(1, { ...key, name: 'somebody.example' })),
  'signs in the future': signs((key) => forged(1, key, FUTURE)),
  'signs at no time': signs((key) => forged(1, key, 0)),
  'asks for the same size again and again': says(409, '0\n', { 'content-type': 'text/x.tlog.size' }),
  'names no size': says(409, 'no\n', { 'content-type': 'text/x.tlog.size' }),
  'does not know the log': says(404, ''),
  'does not trust the key': says(403, ''),
  'is asked too often': says(429, ''),
  'is broken': says(503, ''),
  'sends elsewhere': () => (_, response) =>
    response.writeHead(307, { location: `${witness.url}/add-checkpoint` }).end(),
};

function* forever(): Generator<string> {
  for (;;) yield '— '.repeat(1_000);
}

/** A witness of this behaviour, with its key. */
async function startAs(
  name: string,
  behaviour: Behaviour,
): Promise<{ name: string; vkey: string; rogue: Rogue }> {
  const key = witnessKey(`rogue.example/${name.replaceAll(' ', '-')}`, 1);
  const rogue: Rogue = await startRogue((request, response) =>
    behaviour(key, () => rogue)(request, response),
  );
  return { name, vkey: formatVerifierKey(key), rogue };
}

test('witnesses that misbehave in every way, all at once, harm nothing and are asked again', async () => {
  const rogues = await Promise.all(
    Object.entries(ROGUES).map(([name, behaviour]) => startAs(name, behaviour)),
  );
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const before = witness.answered().length;
  const service = await start(witness, ...rogues.map(({ vkey, rogue: { url } }) => ({ vkey, url })));
  try {
    await logWarnings(service, 2);
    await caughtUp(service);
    for (const { name, rogue } of rogues)
      await expect
        .poll(() => rogue.requests.length, { timeout: 20_000, message: `a witness that ${name}` })
        .toBeGreaterThan(2);
    const { rows } = await pool.query('SELECT DISTINCT key_name AS name FROM cosignatures WHERE of_witness');
    expect(rows).toEqual([{ name: 'witness.example/w1' }]);
    const answered = witness.answered().slice(before);
    expect(new Set(answered.map(({ size }) => size)).size).toBe(answered.length);
    expect(await disputes(service)).toBe(0);
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', note);
    await service.stop();
    await Promise.all(rogues.map(({ rogue }) => rogue.stop()));
  }
});

async function disputes(service: TestService): Promise<number> {
  const filter = { action: 'log.disputed' };
  return dataOf(await service.ask(COUNT_EVENTS, { filter })).auditEvents.totalCount;
}

test('a witness that asks for time is left alone, and the others are not', async () => {
  const rogue = await startRogue((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
  const patient = { vkey: formatVerifierKey(witnessKey('patient.example', 1)), url: rogue.url };
  const service = await start(witness, patient);
  for (let round = 0; round < 5; round += 1) {
    await logWarnings(service, 1);
    await caughtUp(service);
  }
  expect(rogue.requests.length).toBe(1);
  await rogue.stop();
});

test('a witness that is down harms nothing', async () => {
  const rogue = await startRogue(() => undefined);
  await rogue.stop();
  const service = await start(witness, {
    vkey: formatVerifierKey(witnessKey('down.example', 1)),
    url: rogue.url,
  });
  await logWarnings(service, 2);
  await caughtUp(service);
});

test('a witness that claims to be ahead of the log raises one alarm, and signing goes on', async () => {
  const headers = { 'content-type': 'text/x.tlog.size' };
  const rogue = await startRogue((_, response) => response.writeHead(409, headers).end('9007199254740991\n'));
  const service = await start(witness, {
    vkey: formatVerifierKey(witnessKey('ahead.example', 1)),
    url: rogue.url,
  });
  await logWarnings(service, 2);
  await expect.poll(() => rogue.requests.length, { timeout: 20_000 }).toBeGreaterThan(3);
  await caughtUp(service);
  expect(await disputes(service)).toBe(1);
  await rogue.stop();
});

/** What a superuser can do who wants another past: everything stored begins anew, under the same key. */
async function rewriteLog(): Promise<void> {
  const client = await pool.connect();
  await client.query('SET session_replication_role = replica');
  await client.query('TRUNCATE audit_events, idempotency_keys, trees, tree_tiles, checkpoints, cosignatures');
  await client.query("UPDATE log_head SET size = 0, frontier = '', root_hash = $1", [rootOf(emptyFrontier)]);
  client.release(true);
}

test('a log that was rewritten or rolled back is refused by the witness, which raises an alarm', async () => {
  const before = await start(witness);
  await logWarnings(before, 3);
  await caughtUp(before);
  await before.stop();
  const size = await logSize();
  await rewriteLog();
  const service = await start(witness);
  await logWarnings(service, 1, { prefix: 'other' });
  await expect.poll(() => disputes(service), { timeout: 20_000 }).toBe(1);
  expect(witness.answered().at(-1)).toMatchObject({ old: 0, status: 409 });
  await logWarnings(service, size, { prefix: 'other' });
  await expect.poll(() => witness.answered().at(-1)?.status, { timeout: 20_000 }).toBe(422);
  expect(await cosignedSize(service)).toBe(-1);
  expect(await disputes(service)).toBe(1);
});
