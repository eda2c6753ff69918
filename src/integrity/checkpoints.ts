import type { PoolClient } from 'pg';
import type { Queryable } from '../db/queryable.ts';
import { pickLines, type StoredLine } from './cosignatures.ts';
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
  /** When the log last put a time on it, to the second by the clock of the signing instance, else `signedAt`. */
  timestampedAt: number;
}

// Of each key the newest line: of a note with a hundred signatures (see `merkle/note.ts`), the first is in `note` itself.
const COLUMNS = `tree_size AS "treeSize", log_size AS "logSize", root_hash AS "rootHash", note,
  signed_at AS "signedAt", (SELECT verifier_key FROM log_identity) AS "verifierKey", (
    SELECT coalesce(json_agg(json_build_object('line', line, 'keyName', key_name, 'keyId', key_id, 'ofWitness', of_witness)
      ORDER BY of_witness, key_name, key_id), '[]') FROM (
      SELECT * FROM (
        SELECT DISTINCT ON (of_witness, key_name, key_id) line, key_name, key_id, of_witness, cosigned_at
        FROM cosignatures WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size
        ORDER BY of_witness, key_name, key_id, cosigned_at DESC) AS newest
      ORDER BY of_witness, cosigned_at DESC LIMIT 99) AS lines) AS lines`;

type Row = Omit<StoredCheckpoint, 'timestampedAt'> & { verifierKey: string | undefined; lines: StoredLine[] };

async function readOne(
  db: Queryable,
  condition: string,
  parameters: unknown[],
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await db.query<Row>(
    `SELECT ${COLUMNS} FROM checkpoints WHERE ${condition} ORDER BY tree_size DESC, log_size DESC LIMIT 1`,
    parameters,
  );
  const [row] = rows;
  if (!row) return undefined;
  const { verifierKey, lines: stored, ...checkpoint } = row;
  const { lines, timestampedAt = row.signedAt } = await pickLines(row.note, verifierKey, stored);
  return { ...checkpoint, note: row.note + lines, timestampedAt };
}

/** The last checkpoint of a tree. */
export async function readLatestCheckpoint(
  db: Queryable,
  tree: TreeName,
): Promise<StoredCheckpoint | undefined> {
  return readOne(db, 'tree = $1', [tree]);
}

/** The last checkpoint of a tree at that size. */
export async function readCheckpointAt(
  db: Queryable,
  tree: TreeName,
  treeSize: number,
): Promise<StoredCheckpoint | undefined> {
  return readOne(db, 'tree = $1 AND tree_size = $2', [tree, treeSize]);
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
  // A witness may have cosigned a checkpoint more than once.
  return readOne(
    db,
    `tree = 'log' AND tree_size = (
       SELECT tree_size FROM cosignatures WHERE of_witness
       GROUP BY tree_size HAVING count(DISTINCT (key_name, key_id)) >= $1 ORDER BY tree_size DESC LIMIT 1)`,
    [minWitnesses],
  );
}
