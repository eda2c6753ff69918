import type { PoolClient } from 'pg';
import { canonicalEvent } from '../events/canonical.ts';
import type { AuditEvent } from '../events/event.ts';
import { readRange } from '../log/read.ts';
import { equalHashes, leafHash } from '../merkle/hash.ts';
import type { Frontier } from '../merkle/tree.ts';
import { TreeGrowth } from './growth.ts';
import { IntegrityError } from './integrity-error.ts';
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
    const pageEnd = Math.min(end, start + PAGE);
    const events = await readRange(client, { start, end: pageEnd, limit: PAGE, filters: [] });
    const hashes = checkEvents(events, start, pageEnd);
    log.add(hashes, []);
    await growCustomers(client, customers, { events, hashes });
  }
  const grown = [log, ...customers.values()];
  await writeTiles(
    client,
    grown.flatMap((tree) => tree.parts()),
  );
  await writeTrees(client, grown);
  return log.frontier;
}

/** The leaf hashes of rows that must be all of those from `start` to `end`. */
export function checkEvents(events: readonly AuditEvent[], start: number, end: number): Uint8Array[] {
  const hashes = events.map((event, index) => {
    const position = start + index;
    if (event.position !== position) throw new IntegrityError('missing', 'the event is missing', position);
    const hash = leafHash(Buffer.from(canonicalEvent(event)));
    if (!equalHashes(hash, event.leafHash))
      throw new IntegrityError('changed', 'the event is not what its leaf hash says', position);
    return hash;
  });
  if (hashes.length < end - start)
    throw new IntegrityError('missing', 'the event is missing', start + hashes.length);
  return hashes;
}

async function growCustomers(
  client: PoolClient,
  customers: Map<string, TreeGrowth>,
  { events, hashes }: { events: readonly AuditEvent[]; hashes: readonly Uint8Array[] },
): Promise<void> {
  const leaves = new Map<string, { hashes: Uint8Array[]; positions: number[] }>();
  events.forEach(({ customerId, position }, index) => {
    if (customerId === undefined) return;
    const own = leaves.get(customerId) ?? { hashes: [], positions: [] };
    own.hashes.push(hashes[index] as Uint8Array);
    own.positions.push(position);
    leaves.set(customerId, own);
  });
  const fresh = [...leaves.keys()].filter((id) => !customers.has(id)).map(treeOf);
  if (fresh.length > 0) {
    for (const [name, frontier] of await readTrees(client, fresh)) {
      customers.set(name.slice('customer/'.length), new TreeGrowth(name, frontier));
    }
  }
  for (const [id, own] of leaves) customers.get(id)?.add(own.hashes, own.positions);
}
