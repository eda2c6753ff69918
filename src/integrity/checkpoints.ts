import type { PoolClient } from 'pg';
import { Prisma } from '../db/generated/client.ts';
import { prepared } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import { parseTimestamp } from '../db/timestamp.ts';
import { parseJson } from '../parse-json.ts';
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
const COLUMNS = Prisma.sql`tree_size::float8 AS "treeSize", log_size::float8 AS "logSize", root_hash AS "rootHash", note,
  signed_at::text AS "signedAt", (SELECT verifier_key FROM log_identity) AS "verifierKey", (
    SELECT coalesce(json_agg(json_build_object('line', line, 'keyName', key_name, 'keyId', key_id, 'ofWitness', of_witness)
      ORDER BY of_witness, key_name, key_id), '[]') FROM (
      SELECT * FROM (
        SELECT DISTINCT ON (of_witness, key_name, key_id) line, key_name, key_id, of_witness, cosigned_at
        FROM cosignatures WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size
        ORDER BY of_witness, key_name, key_id, cosigned_at DESC) AS newest
      ORDER BY of_witness, cosigned_at DESC LIMIT 99) AS lines)::text AS lines`;

interface Row extends Pick<StoredCheckpoint, 'treeSize' | 'logSize' | 'note'> {
  rootHash: Uint8Array;
  signedAt: string;
  verifierKey: string | null;
  /** A JSON array of `StoredLine`. */
  lines: string;
}

async function readOne(db: Reads, condition: Prisma.Sql): Promise<StoredCheckpoint | undefined> {
  const [row] = await db.$queryRaw<Row[]>(
    prepared(Prisma.sql`SELECT ${COLUMNS} FROM checkpoints WHERE ${condition}
      ORDER BY tree_size DESC, log_size DESC LIMIT 1`),
  );
  if (!row) return undefined;
  const { treeSize, logSize, rootHash } = row;
  const signedAt = parseTimestamp(row.signedAt);
  const stored = parseJson(row.lines) as StoredLine[];
  const { lines, timestampedAt = signedAt } = await pickLines(row.note, row.verifierKey ?? undefined, stored);
  const note = row.note + lines;
  return { treeSize, logSize, rootHash: Buffer.from(rootHash), note, signedAt, timestampedAt };
}

/** The last checkpoint of a tree. */
export async function readLatestCheckpoint(db: Reads, tree: TreeName): Promise<StoredCheckpoint | undefined> {
  return readOne(db, Prisma.sql`tree = ${tree}`);
}

/** The last checkpoint of a tree at that size. */
export async function readCheckpointAt(
  db: Reads,
  tree: TreeName,
  treeSize: number,
): Promise<StoredCheckpoint | undefined> {
  return readOne(db, Prisma.sql`tree = ${tree} AND tree_size = ${treeSize}`);
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
  db: Reads,
  minWitnesses: number,
): Promise<StoredCheckpoint | undefined> {
  // A witness may have cosigned a checkpoint more than once.
  return readOne(
    db,
    Prisma.sql`tree = 'log' AND tree_size = (
       SELECT tree_size FROM cosignatures WHERE of_witness
       GROUP BY tree_size HAVING count(DISTINCT (key_name, key_id)) >= ${minWitnesses} ORDER BY tree_size DESC LIMIT 1)`,
  );
}
