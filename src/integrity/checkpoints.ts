import type { PoolClient } from 'pg';
import type { Queryable } from '../db/queryable.ts';
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

// A note has at most a hundred signatures (see `merkle/note.ts`), the first of them in `note` itself.
const COLUMNS = `tree_size AS "treeSize", log_size AS "logSize", root_hash AS "rootHash", note || coalesce((
    SELECT string_agg(line, '' ORDER BY of_witness, key_name, key_id) FROM (
      SELECT line, of_witness, key_name, key_id FROM cosignatures
      WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size
      ORDER BY of_witness, cosigned_at DESC LIMIT 99) AS newest), '') AS note,
  signed_at AS "signedAt", coalesce((
    SELECT max(cosigned_at) FROM cosignatures
    WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size AND NOT of_witness),
    signed_at) AS "timestampedAt"`;

/** The last checkpoint of a tree. */
export async function readLatestCheckpoint(
  db: Queryable,
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
  db: Queryable,
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

/** The last checkpoint of the log that at least so many witnesses have cosigned. */
export async function readCosignedCheckpoint(
  db: Queryable,
  minWitnesses: number,
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await db.query<StoredCheckpoint>(
    `SELECT ${COLUMNS} FROM checkpoints WHERE tree = 'log' AND tree_size = (
       SELECT tree_size FROM cosignatures WHERE of_witness
       GROUP BY tree_size HAVING count(*) >= $1 ORDER BY tree_size DESC LIMIT 1)`,
    [minWitnesses],
  );
  return rows[0];
}
