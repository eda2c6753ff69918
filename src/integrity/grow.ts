import type { PoolClient } from 'pg';
import { readsOn } from '../db/queryable.ts';
import type { Frontier } from '../merkle/tree.ts';
import { TreeGrowth } from './growth.ts';
import { type Leaf, readLeaves } from './leaves.ts';
import { writeTiles } from './tiles.ts';
import { readTrees, treeOf, writeTrees } from './trees.ts';

const PAGE = 1_000;

/**
 * Reads the events from the log tree's size up to `end` back from the database, hashes each anew, and grows the log's
 * tree and the customers' by them, in the caller's transaction. Returns the log's frontier.
 * Throws an IntegrityError at the first row that is not what was appended.
 */
export async function growTrees(client: PoolClient, from: Frontier, end: number): Promise<Frontier> {
  const log = new TreeGrowth('log', from);
  const customers = new Map<string, TreeGrowth>();
  for (let start = from.size; start < end; start += PAGE) {
    const leaves = await readLeaves(client, start, Math.min(end, start + PAGE));
    log.add(
      leaves.map(({ hash }) => hash),
      [],
    );
    await growCustomers(client, customers, { leaves, start });
  }
  const grown = [log, ...customers.values()];
  await writeTiles(
    client,
    grown.flatMap((tree) => tree.parts()),
  );
  await writeTrees(client, grown);
  return log.frontier;
}

async function growCustomers(
  client: PoolClient,
  customers: Map<string, TreeGrowth>,
  { leaves, start }: { leaves: readonly Leaf[]; start: number },
): Promise<void> {
  const owned = new Map<string, { hashes: Uint8Array[]; positions: number[] }>();
  leaves.forEach(({ customerId, hash }, index) => {
    if (customerId === undefined) return;
    const own = owned.get(customerId) ?? { hashes: [], positions: [] };
    own.hashes.push(hash);
    own.positions.push(start + index);
    owned.set(customerId, own);
  });
  const fresh = [...owned.keys()].filter((id) => !customers.has(id)).map(treeOf);
  if (fresh.length > 0) {
    for (const [name, frontier] of await readTrees(readsOn(client), fresh)) {
      customers.set(name.slice('customer/'.length), new TreeGrowth(name, frontier));
    }
  }
  for (const [id, own] of owned) customers.get(id)?.add(own.hashes, own.positions);
}
