import { inTransaction, type Pool } from '../db/pool.ts';
import { type Reads, readsOn } from '../db/queryable.ts';
import { equalHashes } from '../merkle/hash.ts';
import { readRoot } from '../merkle/proof.ts';
import { signCheckpoint } from '../merkle/signed-checkpoint.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import { type Frontier, rootOf } from '../merkle/tree.ts';
import { readLatestCheckpoint, type StoredCheckpoint, storeCheckpoint } from './checkpoints.ts';
import { continues } from './continues.ts';
import { IntegrityError } from './integrity-error.ts';
import type { SigningIdentity } from './sign.ts';
import { tileReader } from './tiles.ts';
import { lockLogTree, originOf, readTrees, type TreeName } from './trees.ts';

/**
 * Signs the checkpoint of a customer's tree, which speaks up to the log's last checkpoint: an extension line
 * `log SIZE` says so. Answers with the present one when there is nothing new, and with undefined while the log's own
 * checkpoint is behind. Throws an IntegrityError when the stored tree is not what was signed.
 */
export async function signCustomer(
  pool: Pool,
  identity: SigningIdentity,
  tree: TreeName,
): Promise<StoredCheckpoint | undefined> {
  return inTransaction(pool, async (client) => {
    const db = readsOn(client);
    const { size: logSize } = await lockLogTree(client);
    if ((await readLatestCheckpoint(db, 'log'))?.treeSize !== logSize) return undefined;
    const last = await readLatestCheckpoint(db, tree);
    if (last?.logSize === logSize) return last;
    const grown = (await readTrees(db, [tree])).get(tree) as Frontier;
    await checkTree(db, tree, { grown, last });
    const rootHash = rootOf(grown);
    const note = await signCheckpoint(
      {
        origin: originOf(tree, identity.origin),
        treeSize: grown.size,
        rootHash,
        extensions: [`log ${logSize}`],
      },
      [identity.signers.plain],
    );
    await storeCheckpoint(client, tree, {
      treeSize: grown.size,
      logSize,
      rootHash: Buffer.from(rootHash),
      note,
    });
    return readLatestCheckpoint(db, tree);
  });
}

async function checkTree(
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
  if (!(await continues(db, tree, { from, to: { size: grown.size, rootHash } })))
    throw new IntegrityError('tree', `the tree "${tree}" no longer begins with what was signed`);
}
