import { join } from 'node:path';
import { expect } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { canonicalEvent } from '../../src/events/canonical.ts';
import {
  type SigningIdentity,
  signCustomerCheckpoint,
  signNext,
} from '../../src/evidence/sign-checkpoints.ts';
import { openIdentity, readIdentity } from '../../src/evidence/signing-identity.ts';
import type { TreeName } from '../../src/evidence/tree-names.ts';
import { tileReader } from '../../src/evidence/trees.ts';
import { readHead } from '../../src/log/head.ts';
import { readRange } from '../../src/log/read/events.ts';
import { openCheckpoint } from '../../src/merkle/checkpoint.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import { parseVerifierKey } from '../../src/merkle/note.ts';
import { noteVerifier } from '../../src/merkle/signatures.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import { checkTree, type SignedSize } from './check-tree.ts';

const PAGE = 2_000;
const MAX_CUSTOMERS = 20;

/**
 * Verifies everything that the log in a database consists of, after what is not signed yet was signed with the key in
 * `dataDir`: first as `audit-log verify` does; then by itself, from the events alone: all positions, all leaves, every
 * root that was signed, inclusion proofs (a sample where there are many), and the consistency of all checkpoints.
 * A database in which no service ever ran has nothing to check.
 */
export async function checkLog(url: string, dataDir: string): Promise<void> {
  const pool = createPool(url, () => undefined, { max: 4 });
  try {
    if (!(await hasLog(pool))) return;
    await catchUp(pool, dataDir);
    expect((await verifyDatabase(pool)).findings, 'what `audit-log verify` finds').toEqual([]);
    await checkFromEvents(pool);
  } finally {
    await pool.end();
  }
}

async function hasLog(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ there: boolean }>(
    "SELECT to_regclass('log_identity') IS NOT NULL AS there",
  );
  return rows[0]?.there === true && (await readIdentity(prismaOn(pool))) !== undefined;
}

/** Signs the log and its customers' trees as they are now, where the private key is there. */
async function catchUp(pool: Pool, dataDir: string): Promise<void> {
  const identity = await openIdentity(pool, { origin: undefined, keyFile: join(dataDir, 'signing-key.pem') });
  if (!identity.signers) return;
  const signing = identity as SigningIdentity;
  while (!(await signNext(pool, signing)));
  const { rows } = await pool.query<{ tree: TreeName }>(
    "SELECT tree FROM trees WHERE tree <> 'log' ORDER BY md5(tree) LIMIT $1",
    [MAX_CUSTOMERS],
  );
  for (const { tree } of rows) await signCustomerCheckpoint(pool, signing, tree);
}

async function checkFromEvents(pool: Pool): Promise<void> {
  const { firstPosition, frontier } = await readHead(prismaOn(pool));
  const leaves: Uint8Array[] = [...(await purgedLeaves(pool, firstPosition))];
  const customers = new Map<TreeName, Uint8Array[]>();
  for (let start = firstPosition; start < frontier.size; start += PAGE) {
    const events = await readRange(prismaOn(pool), { start, end: start + PAGE, limit: PAGE, filters: [] });
    for (const event of events) {
      // `expect` itself takes longer than all the rest for an event.
      if (event.position !== leaves.length)
        expect(event.position, 'positions have no gap').toBe(leaves.length);
      const leaf = leafHash(canonicalEvent(event));
      leaves.push(leaf);
      if (event.customerId === undefined) continue;
      const tree: TreeName = `customer/${event.customerId}`;
      customers.get(tree)?.push(leaf) ?? customers.set(tree, [leaf]);
    }
  }
  expect(leaves.length, 'as many events as the head says').toBe(frontier.size);
  await checkTree(leaves, {
    sizes: await signedSizes(pool, 'log'),
    readTiles: tileReader(prismaOn(pool), 'log'),
  });
  // Of what was purged nothing tells any more whose it was.
  if (firstPosition > 0) return;
  for (const [tree, own] of [...customers].slice(0, MAX_CUSTOMERS))
    await checkTree(own, {
      sizes: await signedSizes(pool, tree),
      readTiles: tileReader(prismaOn(pool), tree),
    });
}

async function purgedLeaves(pool: Pool, end: number): Promise<Uint8Array[]> {
  const { rows } = await pool.query<{ leaf: Buffer }>(
    `SELECT substring(hashes FROM 32 * at + 1 FOR 32) AS leaf
     FROM tree_tiles CROSS JOIN generate_series(0, width - 1) AS at
     WHERE tree = 'log' AND level = 0 AND index * 256 + at < $1 ORDER BY index, at`,
    [end],
  );
  return rows.map(({ leaf }) => leaf);
}

/** The checkpoints of a tree, each opened with the log's public key. */
async function signedSizes(pool: Pool, tree: TreeName): Promise<SignedSize[]> {
  const verifierKey = (await readIdentity(prismaOn(pool)))?.verifierKey ?? '';
  const logKeys = [noteVerifier(parseVerifierKey(verifierKey))];
  const { rows } = await pool.query<{ note: string }>(
    'SELECT note FROM checkpoints WHERE tree = $1 ORDER BY tree_size, log_size',
    [tree],
  );
  const opened = rows.map(({ note }) =>
    openCheckpoint(note, { origin: note.slice(0, note.indexOf('\n')), logKeys }),
  );
  return (await Promise.all(opened)).map(({ checkpoint }) => ({
    size: checkpoint.treeSize,
    rootHash: checkpoint.rootHash,
  }));
}
