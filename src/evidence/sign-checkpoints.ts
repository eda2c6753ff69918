import type { PoolClient } from 'pg';
import type { PrismaClient } from '../db/generated/client.ts';
import { inTransaction, type Pool } from '../db/pool.ts';
import { prismaWithin } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { readHead } from '../log/head.ts';
import { openCheckpoint, signCheckpoint } from '../merkle/checkpoint.ts';
import { equalHashes } from '../merkle/hash.ts';
import { formatSignatureLine, parseNote, parseVerifierKey } from '../merkle/note.ts';
import { readRoot } from '../merkle/prove.ts';
import { noteVerifier } from '../merkle/signatures.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import { type Frontier, rootOf } from '../merkle/tree.ts';
import { appendLeaves } from './append-leaves.ts';
import {
  readLatestCheckpoint,
  type StoredCheckpoint,
  storeCheckpoint,
  storeTimestamp,
} from './checkpoints.ts';
import { IntegrityError } from './integrity-alarms.ts';
import type { LogIdentity } from './signing-identity.ts';
import { originOf, type TreeName } from './tree-names.ts';
import { isConsistent, lockLogTree, readTrees, tileReader } from './trees.ts';

const MAX_STEP = 20_000;

/** The identity of an instance that holds the private key. */
export type SigningIdentity = LogIdentity & { signers: NonNullable<LogIdentity['signers']> };

/**
 * Takes one step towards a checkpoint of the whole log, in one transaction: appends the leaves of the next events to the
 * trees, and signs when no event is left. Returns whether the last checkpoint now covers all events.
 * Throws an IntegrityError, and changes and signs nothing, when the stored log differs from what was appended or signed.
 */
export async function signNext(pool: Pool, identity: SigningIdentity): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const tree = await lockLogTree(client);
    const last = await readLatestCheckpoint(prismaWithin(client), 'log');
    const { frontier: head } = await readHead(prismaWithin(client));
    if (last) await checkSigned(last, identity);
    if (last && last.treeSize > head.size)
      throw new IntegrityError('head', `the log has ${head.size} events, but ${last.treeSize} were signed`);
    const end = Math.min(head.size, tree.size + MAX_STEP);
    const grown = end > tree.size ? await appendLeaves(client, tree, end) : tree;
    if (end < head.size) return false;
    if (!equalHashes(rootOf(grown), rootOf(head)))
      throw new IntegrityError('head', 'the root hash is not that of the stored events');
    if (last?.treeSize === head.size) return true;
    if (last) await checkConsistent(client, last, grown);
    const note = await signTree(client, identity, { tree: 'log', frontier: grown, logSize: grown.size });
    await timestamp(prismaWithin(client), identity, { treeSize: grown.size, note });
    return true;
  });
}

// The next checkpoint continues the last one, so that must be right.
async function checkSigned(last: StoredCheckpoint, { origin, verifierKey }: LogIdentity): Promise<void> {
  const logKeys = [noteVerifier(parseVerifierKey(verifierKey))];
  const opened = await openCheckpoint(last.note, { origin, logKeys }).catch((error: Error) => {
    throw new IntegrityError('checkpoint', `the last checkpoint does not verify: ${error.message}`);
  });
  const { treeSize, rootHash } = opened.checkpoint;
  if (treeSize !== last.treeSize || !equalHashes(rootHash, last.rootHash))
    throw new IntegrityError('checkpoint', 'the last checkpoint is not what its note says');
}

async function checkConsistent(client: PoolClient, last: StoredCheckpoint, grown: Frontier): Promise<void> {
  const from = { size: last.treeSize, rootHash: last.rootHash };
  const to = { size: grown.size, rootHash: rootOf(grown) };
  if (!(await isConsistent(prismaWithin(client), 'log', { from, to })))
    throw new IntegrityError(
      'tree',
      `the log no longer begins with the ${last.treeSize} events that were signed`,
    );
}

/** Signs a checkpoint of a tree and stores it. Returns its note. */
async function signTree(
  client: PoolClient,
  { origin, signers }: SigningIdentity,
  { tree, frontier, logSize }: { tree: TreeName; frontier: Frontier; logSize: number },
): Promise<string> {
  const treeSize = frontier.size;
  const rootHash = rootOf(frontier);
  const extensions = tree === 'log' ? [] : [`log ${logSize}`];
  const checkpoint = { origin: originOf(tree, origin), treeSize, rootHash, extensions };
  const note = await signCheckpoint(checkpoint, [signers.plain]);
  await storeCheckpoint(client, tree, { treeSize, logSize, rootHash: Buffer.from(rootHash), note });
  return note;
}

/**
 * Signs the last checkpoint again with the present time, which distinguishes an idle log from a truncated one.
 * The text stays the same, so that two checkpoints of one size never differ.
 */
export async function timestamp(
  prisma: PrismaClient,
  { signers }: SigningIdentity,
  { treeSize, note }: { treeSize: number; note: string },
): Promise<void> {
  const { name, keyId } = signers.timestamped;
  const signature = await signers.timestamped.sign(parseNote(note).text);
  const line = formatSignatureLine({ name, keyId, signature });
  await storeTimestamp(prisma, { treeSize, line });
}

/**
 * Signs the checkpoint of a customer's tree. It covers the log up to the log's last checkpoint, whose size is in an
 * extension line `log SIZE`. Returns the present checkpoint when the log has not grown, and undefined while the log's last
 * checkpoint does not cover the log's tree. Throws an IntegrityError when the stored tree differs from what was signed.
 */
export async function signCustomerCheckpoint(
  pool: Pool,
  identity: SigningIdentity,
  tree: TreeName,
): Promise<StoredCheckpoint | undefined> {
  return inTransaction(pool, async (client) => {
    const db = prismaWithin(client);
    const { size: logSize } = await lockLogTree(client);
    if ((await readLatestCheckpoint(db, 'log'))?.treeSize !== logSize) return undefined;
    const last = await readLatestCheckpoint(db, tree);
    if (last?.logSize === logSize) return last;
    const grown = (await readTrees(db, [tree])).get(tree) as Frontier;
    await checkCustomerTree(db, tree, { grown, last });
    await signTree(client, identity, { tree, frontier: grown, logSize });
    return readLatestCheckpoint(db, tree);
  });
}

async function checkCustomerTree(
  db: Reads,
  tree: TreeName,
  { grown, last }: { grown: Frontier; last: StoredCheckpoint | undefined },
): Promise<void> {
  if (grown.size === 0) return;
  const rootHash = rootOf(grown);
  const read = nodesFromTiles(grown.size, tileReader(db, tree));
  if (!equalHashes(rootHash, await readRoot(grown.size, read)))
    throw new IntegrityError('tree', `the tiles of the tree "${tree}" are not its root`);
  if (!last) return;
  const from = { size: last.treeSize, rootHash: last.rootHash };
  if (!(await isConsistent(db, tree, { from, to: { size: grown.size, rootHash } })))
    throw new IntegrityError('tree', `the tree "${tree}" no longer begins with what was signed`);
}
