import { Peekable, streamRows } from '../../db/stream.ts';
import { equalHashes, HASH_BYTES } from '../../merkle/hash.ts';
import { decodePositions } from '../tiles.ts';
import type { CustomerLeavesOptions } from './customer.ts';
import { addTile, type StoredTile, streamTiles } from './tiles.ts';

interface PlacedLeaf {
  position: number;
  leaf: Uint8Array;
  /** Index of the tile that it is in. */
  tile: number;
}

/** Finds the first tile of a customer's tree that is not what the rows of the log say, and adds the finding. */
export async function locateDifference(options: CustomerLeavesOptions): Promise<void> {
  const { client, tree, sizes, owners, findings } = options;
  const sql = `SELECT position, leaf_hash AS leaf FROM audit_events
    WHERE customer_id = $1 AND position >= $2 AND position < $3 ORDER BY position`;
  const parameters = [tree.slice('customer/'.length), sizes.first, sizes.grown];
  const stored = streamRows<{ position: number; leaf: Buffer }>(client, { sql, parameters, size: 1_000 });
  const rows = new Peekable(stored);
  let tile = 0;
  for await (const found of leavesIn(streamTiles(client, 'tree = $1 AND level = 0', [tree]))) {
    const { position } = found;
    tile = found.tile;
    if (position < sizes.first || position >= sizes.grown || owners.isUnsure(position)) continue;
    for await (const _ of rows.while((row) => owners.isUnsure(row.position)));
    const row = await rows.take();
    if (row?.position === position && equalHashes(row.leaf, found.leaf)) continue;
    const problem = row ? `is not right about the event at position ${row.position}` : 'has too many leaves';
    return addTile(findings, { tree, level: 0, index: tile }, problem);
  }
  const missing = await rows.take();
  addTile(
    findings,
    { tree, level: 0, index: tile },
    `ends before the event at position ${missing?.position}`,
  );
}

async function* leavesIn(tiles: Peekable<StoredTile>): AsyncGenerator<PlacedLeaf, void> {
  for await (const { index, positions, hashes } of tiles.while(() => true)) {
    for (const [at, position] of decodePositions(positions ?? Buffer.alloc(0)).entries())
      yield { position, leaf: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES), tile: index };
  }
}
