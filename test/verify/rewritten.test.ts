import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { appendLeaves } from '../../src/evidence/append-leaves.ts';
import { readLatestCheckpoint } from '../../src/evidence/checkpoints.ts';
import { readSigningKey } from '../../src/evidence/signing-identity.ts';
import type { TreeName } from '../../src/evidence/tree-names.ts';
import { lockLogTree } from '../../src/evidence/trees.ts';
import { signCheckpoint } from '../../src/merkle/checkpoint.ts';
import { parseVerifierKey } from '../../src/merkle/note.ts';
import { noteSigner } from '../../src/merkle/signatures.ts';
import { emptyFrontier, extendFrontier, rootOf, serializeFrontier } from '../../src/merkle/tree.ts';
import type { SavedNote } from '../../src/verify/trust.ts';
import { createDatabase, dataDirOf, type TestDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';
import { forge, found, verifyTampered } from './tampering.ts';

const OTHER_KEY = 'example.org/other+cbdc7667+AR8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8f';

let database: TestDatabase;
let pool: Pool;
let client: PoolClient;
let verifierKey: string;
/** What was kept outside: the log's checkpoints of 200 and 300 events, and a customer's. */
const kept: SavedNote[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const settings = { CHECKPOINT_INTERVAL_MS: '3600000', ORIGIN: 'example.org/log' };
  const service = await startService(database.url, settings);
  pool = createPool(database.url, () => undefined);
  for (const count of [200, 100]) {
    await logWarnings(service, count, { more: { customerId: 'acme' } });
    await keep(await service.ask('{ checkpoint { note verifierKey } }'));
  }
  await keep(await service.ask('{ checkpoint(customerId: "acme") { note verifierKey } }'));
  await service.stop();
  client = await pool.connect();
});
afterAll(async () => {
  client.release();
  await pool.end();
  await database.drop({ isTampered: true });
});

async function keep({ data }: { data?: object }): Promise<void> {
  const { checkpoint } = data as { checkpoint: { note: string; verifierKey: string } };
  kept.push({ name: `kept ${kept.length}`, note: checkpoint.note });
  ({ verifierKey } = checkpoint);
}

/** Makes everything that the service computes agree with the rows again. */
async function putBack(): Promise<void> {
  await client.query('TRUNCATE tree_tiles, trees');
  const { rows } = await client.query<{ hash: Buffer }>(
    'SELECT leaf_hash AS hash FROM audit_events ORDER BY position',
  );
  const head = extendFrontier(
    emptyFrontier,
    rows.map(({ hash }) => hash),
  );
  await client.query('UPDATE log_head SET size = $1, root_hash = $2, frontier = $3', [
    head.size,
    rootOf(head),
    serializeFrontier(head),
  ]);
  const tree = await lockLogTree(client);
  const grown = await appendLeaves(client, tree, head.size);
  await client.query("UPDATE trees SET size = $1, frontier = $2 WHERE tree = 'log'", [
    grown.size,
    serializeFrontier(grown),
  ]);
}

/** Makes the counts of the evidence agree with what is there, and has summaries count from the beginning. */
async function countAgain(): Promise<void> {
  await client.query('TRUNCATE summary_counts');
  await client.query('UPDATE summary_scopes SET counted = 0, earliest = NULL, latest = NULL');
  await client.query('TRUNCATE evidence_counts');
  await client.query(
    `INSERT INTO evidence_counts SELECT tree, count(*),
       CASE WHEN tree = 'log' THEN (SELECT count(*) FROM cosignatures) ELSE 0 END FROM checkpoints GROUP BY tree`,
  );
}

/** Signs the last checkpoint of each tree again, with the log's own key. */
async function signAgain(): Promise<void> {
  const key = await readSigningKey(join(dataDirOf(database.url), 'signing-key.pem'));
  if (!key) throw new Error('the test log has no key');
  const signer = noteSigner(parseVerifierKey(verifierKey), key.sign);
  await client.query('TRUNCATE cosignatures');
  const { rows } = await client.query<{ tree: TreeName; size: number; frontier: Buffer }>(
    'SELECT tree, size, frontier FROM trees',
  );
  await client.query('TRUNCATE checkpoints');
  for (const { tree, size, frontier } of rows) {
    const hashes = Array.from({ length: frontier.length / 32 }, (_, n) =>
      frontier.subarray(32 * n, 32 * n + 32),
    );
    const rootHash = rootOf({ size, hashes });
    const origin = tree === 'log' ? 'example.org/log' : 'example.org/log/customer/acme';
    const extensions = tree === 'log' ? [] : [`log ${size}`];
    const note = await signCheckpoint({ origin, treeSize: size, rootHash, extensions }, [signer]);
    await client.query(
      'INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note) VALUES ($1, $2, $2, $3, $4)',
      [tree, size, rootHash, note],
    );
  }
  await countAgain();
}

test('the log holds against what was kept', async () => {
  const result = await verifyTampered(client, 'SELECT 1', { savedNotes: kept, verifierKey });
  expect(result).toMatchObject({ findings: [], events: 300, trust: { verifierKey } });
});

test('a rewritten event, and all put back: the signed checkpoints tell', async () => {
  const rewrite = async () => {
    await forge(client, 230);
    await putBack();
  };
  const result = await verifyTampered(client, rewrite);
  expect(result.findings).toMatchObject([{ kind: 'checkpoint', treeSize: 300 }]);
});

test('a rewritten event, and all put back and signed: only what was kept tells', async () => {
  const rewrite = async () => {
    await forge(client, 100);
    await putBack();
    await signAgain();
  };
  expect((await verifyTampered(client, rewrite)).findings).toEqual([]);
  for (const one of kept) {
    const { findings } = await verifyTampered(client, rewrite, { savedNotes: [one] });
    expect(findings).toMatchObject([{ kind: 'checkpoint', message: expect.stringContaining(one.name) }]);
  }
});

test('the newest events removed, and all put back: only what was kept tells', async () => {
  const truncate = async () => {
    await client.query('DELETE FROM audit_events WHERE position >= 250');
    await client.query('DELETE FROM checkpoints WHERE tree_size > 250');
    await client.query('DELETE FROM cosignatures WHERE tree_size > 250');
    await putBack();
    await countAgain();
  };
  expect(await verifyTampered(client, truncate)).toMatchObject({ findings: [], size: 250 });
  const { findings } = await verifyTampered(client, truncate, { savedNotes: kept });
  expect(findings).toMatchObject([{ kind: 'truncated', count: 2, treeSize: 300 }]);
});

test('nothing left of the log at all', async () => {
  const empty = async () => {
    await client.query('TRUNCATE audit_events, checkpoints, cosignatures');
    await putBack();
    await countAgain();
  };
  expect(await verifyTampered(client, empty)).toMatchObject({ findings: [], size: 0, checkpoints: 0 });
  expect(found(await verifyTampered(client, empty, { savedNotes: kept })).kinds).toEqual(['truncated']);
});

test('another log in its place', async () => {
  const replace = async () => {
    await client.query("UPDATE log_identity SET origin = 'example.org/other', verifier_key = $1", [
      OTHER_KEY,
    ]);
    await client.query('TRUNCATE checkpoints, cosignatures');
    await countAgain();
  };
  expect(found(await verifyTampered(client, replace, { savedNotes: kept })).kinds).toEqual(['checkpoint']);
  expect(found(await verifyTampered(client, replace, { verifierKey })).kinds).toEqual(['identity']);
});

test('what was kept has to be signed by the key that is trusted', async () => {
  const latest = await readLatestCheckpoint(prismaOn(pool), 'log');
  const note = (latest?.note ?? '').replace(/[^=]{4}(=*\n)$/, 'AAAA$1');
  const { findings } = await verifyTampered(client, 'SELECT 1', { savedNotes: [{ name: 'forged', note }] });
  expect(findings).toMatchObject([
    { kind: 'checkpoint', message: expect.stringContaining('forged is not signed') },
  ]);
  const broken = verifyTampered(client, 'SELECT 1', { savedNotes: [{ name: 'letter', note: 'Dear log' }] });
  await expect(broken).rejects.toThrow('a note');
});
