import type { PoolClient } from 'pg';
import type { Pool } from '../db/pool.ts';

/** A timestamped signature of the log's checkpoint of a size: the log's own, or a witness's. */
export interface Cosignature {
  treeSize: number;
  /** As it stands in the note, with its newline. */
  line: string;
  keyName: string;
  keyId: number;
  /** Milliseconds since 1970. */
  cosignedAt: number;
  ofWitness: boolean;
}

/** Keeps a cosignature, in place of an older one by the same key. */
export async function storeCosignature(db: Pool | PoolClient, cosignature: Cosignature): Promise<void> {
  await db.query(
    `INSERT INTO cosignatures AS known (tree_size, line, key_name, key_id, cosigned_at, of_witness)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tree_size, key_name, key_id) DO UPDATE SET line = excluded.line, cosigned_at = excluded.cosigned_at
     WHERE known.cosigned_at < excluded.cosigned_at`,
    [
      cosignature.treeSize,
      cosignature.line,
      cosignature.keyName,
      cosignature.keyId,
      new Date(cosignature.cosignedAt),
      cosignature.ofWitness,
    ],
  );
}

/** What a witness cosigned last, as far as it is stored here. */
export async function readLatestCosignature(
  db: Pool,
  { name, keyId }: { name: string; keyId: number },
): Promise<{ treeSize: number; cosignedAt: number } | undefined> {
  const { rows } = await db.query<{ treeSize: number; cosignedAt: number }>(
    `SELECT tree_size AS "treeSize", cosigned_at AS "cosignedAt" FROM cosignatures
     WHERE of_witness AND key_name = $1 AND key_id = $2 ORDER BY tree_size DESC LIMIT 1`,
    [name, keyId],
  );
  return rows[0];
}
