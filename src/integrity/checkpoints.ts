import type { PoolClient } from 'pg';
import type { Pool } from '../db/pool.ts';
import type { TreeName } from './trees.ts';

/** A signed checkpoint as it is kept. */
export interface StoredCheckpoint {
  treeSize: number;
  /** The size of the log up to which it speaks; of the log's own tree the same as `treeSize`. */
  logSize: number;
  rootHash: Buffer;
  /** The note with the log's own signature and, of the log's tree, all cosignatures. */
  note: string;
  /** Milliseconds since 1970. */
  signedAt: number;
  /** When the log last put a time on it, by the clock of the signing instance, else `signedAt`. */
  timestampedAt: number;
}

const COLUMNS = `tree_size AS "treeSize", log_size AS "logSize", root_hash AS "rootHash", note || coalesce((
    SELECT string_agg(line, '' ORDER BY key_name, key_id) FROM cosignatures
    WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size), '') AS note,
  signed_at AS "signedAt", coalesce((
    SELECT max(cosigned_at) FROM cosignatures JOIN log_identity ON key_name = origin
    WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size), signed_at) AS "timestampedAt"`;

/** The last checkpoint of a tree. */
export async function readLatestCheckpoint(
  db: Pool | PoolClient,
  tree: TreeName,
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await db.query<StoredCheckpoint>(
    `SELECT ${COLUMNS} FROM checkpoints WHERE tree = $1 ORDER BY tree_size DESC, log_size DESC LIMIT 1`,
    [tree],
  );
  return rows[0];
}

/** The last checkpoint of a tree at that size. */
export async function readCheckpointAt(
  db: Pool | PoolClient,
  tree: TreeName,
  treeSize: number,
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await db.query<StoredCheckpoint>(
    `SELECT ${COLUMNS} FROM checkpoints WHERE tree = $1 AND tree_size = $2 ORDER BY log_size DESC LIMIT 1`,
    [tree, treeSize],
  );
  return rows[0];
}

/** Keeps a checkpoint; one that is there already stays. */
export async function storeCheckpoint(
  client: PoolClient,
  tree: TreeName,
  checkpoint: Omit<StoredCheckpoint, 'signedAt' | 'timestampedAt'>,
): Promise<void> {
  await client.query(
    `INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    [tree, checkpoint.treeSize, checkpoint.logSize, checkpoint.rootHash, checkpoint.note],
  );
}

/** A timestamped signature of the log's checkpoint of a size. */
export interface StoredCosignature {
  treeSize: number;
  line: string;
  keyName: string;
  keyId: number;
  /** Milliseconds since 1970. */
  cosignedAt: number;
}

/** Keeps a cosignature, in place of an older one by the same key. */
export async function storeCosignature(db: Pool | PoolClient, cosignature: StoredCosignature): Promise<void> {
  await db.query(
    `INSERT INTO cosignatures AS known (tree_size, line, key_name, key_id, cosigned_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tree_size, key_name, key_id) DO UPDATE SET line = excluded.line, cosigned_at = excluded.cosigned_at
     WHERE known.cosigned_at < excluded.cosigned_at`,
    [
      cosignature.treeSize,
      cosignature.line,
      cosignature.keyName,
      cosignature.keyId,
      new Date(cosignature.cosignedAt),
    ],
  );
}
