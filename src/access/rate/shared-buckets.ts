import type { Pool } from '../../db/pool.ts';

/** Points by the id of a key. */
export type PointsByKey = ReadonlyMap<string, number>;

/**
 * Takes from the buckets that all instances share what this one has spent, and returns what they hold now: less than
 * nothing while there is debt. `size` is what a bucket holds, and what flows in during a minute.
 */
export async function takeShared(pool: Pool, spent: PointsByKey, size: number): Promise<PointsByKey> {
  // In the order of the keys: so two instances never wait for each other's rows in a circle.
  const { rows } = await pool.query<{ key_id: string; points: number }>(
    `INSERT INTO rate_buckets AS bucket (key_id, points, filled_at)
     SELECT key_id, $3 - spent, clock_timestamp() FROM unnest($1::text[], $2::float8[]) AS batch (key_id, spent)
     ORDER BY key_id COLLATE "C"
     ON CONFLICT (key_id) DO UPDATE SET filled_at = excluded.filled_at,
       points = excluded.points - $3::float8 + least($3::float8, bucket.points
         + $3::float8 / 60 * greatest(0, extract(epoch FROM excluded.filled_at - bucket.filled_at)))
     RETURNING key_id, points`,
    [[...spent.keys()], [...spent.values()], size],
  );
  return new Map(rows.map(({ key_id, points }) => [key_id, points]));
}

/** Removes the shared buckets that are full again: whoever they belong to would start with a full one. */
export async function forgetFull(pool: Pool, size: number): Promise<void> {
  await pool.query(
    `DELETE FROM rate_buckets
     WHERE points + $1::float8 / 60 * extract(epoch FROM clock_timestamp() - filled_at) >= $1::float8`,
    [size],
  );
}
