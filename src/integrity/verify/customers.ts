import type { PoolClient } from 'pg';
import { type Peekable, streamRows } from '../../db/stream.ts';
import { equalHashes } from '../../merkle/hash.ts';
import { serializeFrontier } from '../../merkle/tree.ts';
import { type TreeName, treeOf } from '../trees.ts';
import { CheckpointCheck, type CheckpointRow, streamCheckpoints } from './checkpoints.ts';
import { CustomerLeaves } from './customer.ts';
import { Findings } from './findings.ts';
import { locateDifference } from './locate.ts';
import type { Owners } from './owners.ts';
import type { LogSizes } from './sizes.ts';
import { checkUpperTiles, type StoredTile, streamTiles } from './tiles.ts';
import { TreeCheck } from './tree.ts';
import type { SavedCheckpoint, Trust } from './trust.ts';

const PREFIX = 'customer/';

export interface CustomersOptions {
  client: PoolClient;
  trust: Trust | undefined;
  saved: readonly SavedCheckpoint[];
  findings: Findings;
  sizes: LogSizes;
  owners: Owners;
}

interface TreeRow {
  tree: TreeName;
  /** Null when there is no row of this tree. */
  size: number | null;
  frontier: Buffer | null;
}

// Every tree of which anything is stored or was kept; the streams beside it are in the same order.
const TREES = `SELECT tree, size, frontier FROM (
    SELECT tree FROM trees UNION SELECT tree FROM tree_tiles UNION SELECT tree FROM checkpoints
    UNION SELECT unnest($1::text[])
  ) AS names LEFT JOIN trees USING (tree) WHERE tree <> 'log' ORDER BY tree`;

/** Checks the customers' trees, tiles and checkpoints against the log that was walked over. Returns how many. */
export async function checkCustomers(
  options: CustomersOptions,
): Promise<{ trees: number; checkpoints: number }> {
  const { client, findings, owners, saved } = options;
  const checked = { trees: 0, checkpoints: 0 };
  if (owners.isTooUnsure) return checked;
  const tiles = streamTiles(client, "tree <> 'log'");
  const checkpoints = streamCheckpoints(client, 'others');
  const statement = { sql: TREES, parameters: [saved.map(({ tree }) => tree)], size: 500 };
  for await (const row of streamRows<TreeRow>(client, statement)) {
    checked.trees += 1;
    checked.checkpoints += await checkCustomer(options, row, { tiles, checkpoints });
  }
  for (const customerId of owners.rest()) {
    const tree = treeOf(customerId);
    findings.add({ kind: 'tree', message: `the tree "${tree}" is missing`, tree });
  }
  return checked;
}

async function checkCustomer(
  options: CustomersOptions,
  row: TreeRow,
  { tiles, checkpoints }: { tiles: Peekable<StoredTile>; checkpoints: Peekable<CheckpointRow> },
): Promise<number> {
  const { findings, owners } = options;
  const { tree } = row;
  // What contradicts a tree whose own leaves are wrong says nothing.
  const compared = new Findings();
  const leaves = new CustomerLeaves({ ...options, tree });
  const checkpointCheck = new CheckpointCheck({ ...options, tree, stored: checkpoints, compared });
  const check: TreeCheck = new TreeCheck(checkpointCheck, {
    onLogSizes: (logSizes) => checkLogSizes(logSizes, { tree, size: check.size, leaves, compared }),
  });
  for await (const tile of tiles.while((next) => next.tree === tree && next.level === 0))
    await check.add(await leaves.read(tile));
  const own = tiles.while((next) => next.tree === tree);
  await checkUpperTiles(own, { tree, size: check.size, replay: check.replay, findings: compared });
  await check.finish();
  checkRow(row, check, compared);
  const isSame = tree.startsWith(PREFIX) && owners.take(tree.slice(PREFIX.length)).equals(leaves.chain);
  if (!tree.startsWith(PREFIX))
    findings.add({ kind: 'tree', message: `"${tree}" is no tree of this log`, tree });
  else if (!isSame) await locateDifference({ ...options, tree });
  else if (!leaves.contradictsLog) findings.addAll(compared);
  return checkpointCheck.checked;
}

interface Spoken {
  tree: TreeName;
  size: number;
  leaves: CustomerLeaves;
  compared: Findings;
}

function checkLogSizes(logSizes: readonly number[], { tree, size, leaves, compared }: Spoken): void {
  for (const logSize of logSizes) {
    if (leaves.speaksUpTo(size, logSize)) continue;
    const message = `a checkpoint leaves out or has too many of the events before position ${logSize}`;
    compared.add({ kind: 'checkpoint', message, tree, treeSize: size });
  }
}

function checkRow({ tree, size, frontier }: TreeRow, { replay }: TreeCheck, compared: Findings): void {
  const grown = replay.frontier;
  const isSame =
    (size ?? 0) === grown.size && equalHashes(serializeFrontier(grown), frontier ?? Buffer.alloc(0));
  if (!isSame)
    compared.add({
      kind: 'tree',
      message: `the row of the tree "${tree}" is not what its leaves give`,
      tree,
    });
}
