import type { PoolClient } from 'pg';
import type { TreeName } from '../trees.ts';
import type { Findings } from './findings.ts';

// How many there are more than were counted when they were kept, of the trees of which it is not as many.
const SURPLUS = `SELECT * FROM (
    SELECT tree,
      coalesce(stored.checkpoints, 0) - coalesce(counts.checkpoints, 0) AS checkpoints,
      CASE WHEN tree = 'log' THEN (SELECT count(*) FROM cosignatures) ELSE 0 END
        - coalesce(counts.cosignatures, 0) AS cosignatures
    FROM (SELECT tree, count(*) AS checkpoints FROM checkpoints GROUP BY tree) AS stored
      FULL JOIN evidence_counts AS counts USING (tree)
  ) AS surplus WHERE checkpoints <> 0 OR cosignatures <> 0`;

/** Checks that as many checkpoints and cosignatures are there as were kept: by themselves, they do not miss one another. */
export async function checkEvidenceCounts(client: PoolClient, findings: Findings): Promise<void> {
  const { rows } = await client.query<{ tree: TreeName; checkpoints: number; cosignatures: number }>(SURPLUS);
  for (const { tree, ...surplus } of rows) {
    for (const kind of ['checkpoints', 'cosignatures'] as const) {
      const message = explain(kind, surplus[kind]);
      if (message) findings.add({ kind: 'checkpoint', message, tree });
    }
  }
}

function explain(kind: string, surplus: number): string | undefined {
  if (surplus === 0) return undefined;
  return surplus < 0
    ? `${-surplus} of the tree's ${kind} were removed`
    : `${surplus} of the tree's ${kind} were put in without being counted`;
}
