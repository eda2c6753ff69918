import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { storeKey } from '../../src/auth/api-keys.ts';
import type { Pool } from '../../src/db/pool.ts';
import { openCheckpoint } from '../../src/merkle/checkpoint.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import { ED25519_COSIGNATURE, parseVerifierKey } from '../../src/merkle/note.ts';
import { parseBundle, verifyBundle } from '../../src/merkle/proof-bundle.ts';
import { cosignatureVerifier, noteVerifier } from '../../src/merkle/signatures.ts';
import { parseEntries } from '../../src/merkle/tile-files.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/verify-proof.ts';
import { hex, merkleTreeHash } from '../merkle/reference.ts';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { BUNDLES, LOG_EVENT } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { ResultOf } from '../support/operations/types.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

const BOUND_KEY = 'key-of-a-customer-bound-reader-0123456789';
const CUSTOMERS = ['acme', 'globex & sons/é'];

let database: TestDatabase;
let service: TestService;
let pool: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { ORIGIN: 'example.org/audit' });
  pool = createPool(database.url, () => undefined);
  const key = { name: 'reader', secret: BOUND_KEY, scopes: ['events:read'] as const };
  await storeKey(pool, { ...key, customerId: 'acme' });
});

async function log(count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, n) => ({
    eventType: 'DATA_READ',
    customerId: [...CUSTOMERS, undefined][n % 3],
    details: { n },
  }));
  const { errors } = await service.ask(
    'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
    { input },
  );
  expect(errors).toBeUndefined();
}

const CHECKPOINT = graphql(`
  query ShowCheckpoint {
    checkpoint { origin treeSize logSize rootHash note verifierKey }
  }
`);
type Shown = NonNullable<ResultOf<typeof CHECKPOINT>['checkpoint']>;

async function checkpoint(key = ADMIN_KEY): Promise<Shown> {
  return dataOf(await service.ask(CHECKPOINT, {}, key)).checkpoint as Shown;
}

async function get(path: string, key: string | undefined = ADMIN_KEY): Promise<Response> {
  return fetch(`${service.url}${path}`, { headers: key ? { authorization: `Bearer ${key}` } : {} });
}

const policyOf = ({ origin, verifierKey }: Shown) => ({
  origin,
  logKeys: [noteVerifier(parseVerifierKey(verifierKey))],
});

const LIST = graphql(`
  query ListProofs {
    auditEvents(first: 1000, orderBy: POSITION_ASC) {
      edges {
        node { position customerId leafHash inclusionProof { leafIndex treeSize hashes } }
      }
    }
  }
`);

async function list(key = ADMIN_KEY) {
  const { edges } = dataOf(await service.ask(LIST, {}, key)).auditEvents;
  return edges.map(({ node }) => node);
}

const bytes = (texts: string[]) => texts.map((text) => Buffer.from(text, 'hex'));

test('what was acknowledged is in the checkpoint, and its proof holds', async () => {
  await log(700);
  const shown = await checkpoint();
  const { checkpoint: opened } = await openCheckpoint(shown.note, policyOf(shown));
  const events = await list();
  expect(shown).toMatchObject({ origin: 'example.org/audit', treeSize: 700, logSize: 700 });
  expect(hex(merkleTreeHash(bytes(events.map((event) => event.leafHash))))).toBe(shown.rootHash);
  for (const { position, leafHash: leaf, inclusionProof } of events) {
    expect(inclusionProof).toMatchObject({ leafIndex: position, treeSize: 700 });
    const proof = bytes(inclusionProof.hashes);
    const claim = { index: position, size: 700, leafHash: Buffer.from(leaf, 'hex'), proof };
    expect(verifyInclusion({ ...claim, rootHash: opened.rootHash })).toBe(true);
  }
});

const CONSISTENCY = graphql(`
  query Consistency($from: SafeInt!, $to: SafeInt!) {
    consistencyProof(from: $from, to: $to) { hashes }
  }
`);

test('checkpoints are consistent with each other', async () => {
  const from = await checkpoint();
  await log(123);
  const to = await checkpoint();
  const sizes = { from: from.treeSize, to: to.treeSize };
  const { hashes } = dataOf(await service.ask(CONSISTENCY, sizes)).consistencyProof;
  const side = ({ treeSize, rootHash }: Shown) => ({
    size: treeSize,
    rootHash: Buffer.from(rootHash, 'hex'),
  });
  expect(verifyConsistency({ from: side(from), to: side(to), proof: bytes(hashes) })).toBe(true);
});

test("a bound reader gets the proofs of its own customer's tree, and nothing of others", async () => {
  const shown = await checkpoint(BOUND_KEY);
  const events = await list(BOUND_KEY);
  expect(shown.origin).toBe('example.org/audit/customer/acme');
  expect(shown.treeSize).toBe(events.length);
  expect(shown.note).toContain(`\nlog ${shown.logSize}\n`);
  const { checkpoint: opened } = await openCheckpoint(shown.note, policyOf(shown));
  expect(hex(opened.rootHash)).toBe(hex(merkleTreeHash(bytes(events.map((event) => event.leafHash)))));
  events.forEach(({ inclusionProof, leafHash: leaf }, index) => {
    const proof = bytes(inclusionProof.hashes);
    expect(inclusionProof.leafIndex).toBe(index);
    const claim = { index, size: inclusionProof.treeSize, leafHash: Buffer.from(leaf, 'hex'), proof };
    expect(verifyInclusion({ ...claim, rootHash: opened.rootHash })).toBe(true);
  });
  const foreign = await service.ask('{ checkpoint(customerId: "other") { treeSize } }', {}, BOUND_KEY);
  expect(foreign.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  for (const path of ['/checkpoint', '/tile/0/000', '/tile/entries/000', '/customers/other/checkpoint'])
    expect((await get(path, BOUND_KEY)).status).toBe(403);
  const bundle = await (await get('/customers/acme/tile/entries/000', BOUND_KEY)).arrayBuffer();
  const entries = parseEntries(new Uint8Array(bundle));
  expect(entries.map((entry) => hex(leafHash(entry)))).toEqual(
    events.slice(0, 256).map((event) => event.leafHash),
  );
});

test('tiles are those of tlog-tiles', async () => {
  const events = await list();
  const leaves = Buffer.concat(bytes(events.map((event) => event.leafHash)));
  const full = await get('/tile/0/001');
  expect(full.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  expect(Buffer.from(await full.arrayBuffer())).toEqual(leaves.subarray(8_192, 16_384));
  expect(full.headers.get('content-type')).toBe('application/octet-stream');
  const partial = await get('/tile/0/003.p/5');
  expect(partial.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  expect(Buffer.from(await partial.arrayBuffer())).toEqual(leaves.subarray(3 * 8_192, 3 * 8_192 + 160));
  expect(Buffer.from(await (await get('/tile/1/000.p/1')).arrayBuffer()).toString('hex')).toBe(
    hex(merkleTreeHash(bytes(events.slice(0, 256).map((event) => event.leafHash)))),
  );
  const absent = ['0/003', '0/000.p/256', '0/000.p/0', '0/000.p/05', '00/000', '64/000', '0/0', '0/x000/000'];
  for (const path of absent) expect((await get(`/tile/${path}`)).status, path).toBe(404);
  expect((await get('/tile/0/0x0')).status).toBe(404);
  expect((await get('/tile/0/000', 'none-of-the-keys-that-there-are-000000')).status).toBe(401);
  expect(await (await get('/checkpoint')).text()).toBe((await checkpoint()).note);
});

test('what everybody may see may be kept by every cache, and what needs a key by none', async () => {
  const open = await startService(database.url, { ORIGIN: 'example.org/audit', PUBLIC_EVIDENCE: 'true' });
  const headersOf = async (path: string) => {
    const { status, headers } = await fetch(`${open.url}${path}`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    return [status, headers.get('cache-control'), headers.get('access-control-allow-origin')];
  };
  try {
    expect(await headersOf('/tile/0/000')).toEqual([200, 'public, max-age=31536000, immutable', '*']);
    expect(await headersOf('/checkpoint')).toEqual([200, 'no-cache', '*']);
    expect(await headersOf('/tile/entries/000')).toEqual([200, 'private, no-cache', null]);
    expect(await headersOf('/customers/acme/tile/0/000.p/1')).toEqual([
      200,
      'private, max-age=31536000, immutable',
      null,
    ]);
    expect(await headersOf('/customers/acme/checkpoint')).toEqual([200, 'private, no-cache', null]);
  } finally {
    await open.stop();
  }
});

test('entries are packed for whoever takes gzip', async () => {
  const path = `${service.url}/tile/entries/000`;
  const ask = (encoding: string) =>
    fetch(path, { headers: { authorization: `Bearer ${ADMIN_KEY}`, 'accept-encoding': encoding } });
  const [packed, plain] = [await ask('gzip'), await ask('identity')];
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(packed.headers.get('vary')).toContain('accept-encoding');
  expect(Number(packed.headers.get('content-length'))).toBeLessThan(
    Number(plain.headers.get('content-length')),
  );
  expect(Buffer.from(await packed.arrayBuffer())).toEqual(Buffer.from(await plain.arrayBuffer()));
});

test.each(['x', '-1', '1.5', '33', '1e400', 'NaN'])(
  'a checkpoint with %s witnesses is refused',
  async (count) => {
    const response = await get(`/checkpoint?minWitnesses=${count}`);
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { extensions: object }[] };
    expect(errors[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path: 'minWitnesses' });
  },
);

test('a proof bundle verifies with nothing but the public key', async () => {
  const shown = await checkpoint();
  const { edges } = dataOf(await service.ask(BUNDLES, { first: 1, offset: 9 })).auditEvents;
  const bundle = parseBundle(edges[0]?.node.proofBundle ?? '');
  const leaf = leafHash(bundle.extra as Uint8Array);
  expect(await verifyBundle(leaf, bundle, policyOf(shown))).toMatchObject({ checkpoint: { treeSize: 823 } });
  expect(await verifyBundle(leafHash(Buffer.from('{}')), bundle, policyOf(shown))).toBeUndefined();
});

test('the checkpoint of an idle log gets new timestamps, and its text stays', async () => {
  const before = await checkpoint();
  const settings = { ORIGIN: 'example.org/audit', CHECKPOINT_HEARTBEAT_MS: '100' };
  const beating = await startService(database.url, settings);
  const { publicKey } = parseVerifierKey(before.verifierKey);
  const log = cosignatureVerifier({ name: before.origin, type: ED25519_COSIGNATURE, publicKey });
  const later = await expect
    .poll(async () => (await checkpoint()).note, { timeout: 10_000 })
    .not.toBe(before.note)
    .then(() => checkpoint());
  const textOf = (note: string) => note.slice(0, note.indexOf('\n\n'));
  expect(textOf(later.note)).toBe(textOf(before.note));
  const opened = await openCheckpoint(later.note, { ...policyOf(later), witnesses: [log], quorum: 1 });
  expect(opened.cosignatures).toHaveLength(1);
  await beating.stop();
});

test('the private key is readable by its owner only', async () => {
  const { mode } = await stat(join(dataDirOf(database.url), 'signing-key.pem'));
  expect(mode & 0o777).toBe(0o600);
});

test('an event that is in no checkpoint yet spoils no other proof', async () => {
  const keyless = await startService(database.url, { DATA_DIR: `${dataDirOf(database.url)}/without-key` });
  const signed = (await list())[0]?.position;
  await service.stop();
  try {
    const logged = await keyless.ask(LOG_EVENT, { input: { eventType: 'DATA_READ' } });
    const { id } = dataOf(logged).logEvent.event ?? {};
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM audit_events WHERE position = $1', [
      signed,
    ]);
    const { data, errors } = await keyless.ask(
      `{ old: auditEvent(id: "${rows[0]?.id}") { proofBundle inclusionProof { leafIndex } }
         fresh: auditEvent(id: "${id}") { inclusionProof { leafIndex } } }`,
    );
    expect(data).toMatchObject({ old: { inclusionProof: { leafIndex: signed } }, fresh: null });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAVAILABLE']);
  } finally {
    await keyless.stop();
  }
});
