import type { PoolClient } from 'pg';
import { Prisma } from '../db/generated/client.ts';
import { prepared } from '../db/prepared.ts';
import type { Reads } from '../db/queryable.ts';
import { emptyFrontier, type Frontier, parseFrontier, serializeFrontier } from '../merkle/tree.ts';

/** Which tree: the log's own, or that of a customer's events alone, in log order. */
export type TreeName = 'log' | `customer/${string}`;

/** The tree of a customer; of everything when undefined. */
export function treeOf(customerId: string | undefined): TreeName {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** The first line of a tree's checkpoints: the log's origin, and for a customer `/customer/` and the id, URL-encoded. */
export function originOf(tree: TreeName, origin: string): string {
  if (tree === 'log') return origin;
  return `${origin}/customer/${encodeURIComponent(tree.slice('customer/'.length))}`;
}

interface TreeRow {
  tree: TreeName;
  size: number;
  frontier: Uint8Array;
}

/** How far the log's tree was grown; with the row locked for the rest of the transaction. */
export async function lockLogTree(client: PoolClient): Promise<Frontier> {
  await client.query("INSERT INTO trees (tree, size, frontier) VALUES ('log', 0, '') ON CONFLICT DO NOTHING");
  const { rows } = await client.query<TreeRow>(
    "SELECT tree, size, frontier FROM trees WHERE tree = 'log' FOR UPDATE",
  );
  const row = rows[0] as TreeRow;
  return parseFrontier(row.size, row.frontier);
}

/** How far the trees were grown; those that do not exist yet are empty. */
export async function readTrees(db: Reads, names: readonly TreeName[]): Promise<Map<TreeName, Frontier>> {
  const rows = await db.$queryRaw<TreeRow[]>(
    prepared(
      Prisma.sql`SELECT tree, size::float8 AS size, frontier FROM trees WHERE tree = ANY(${names}::text[])`,
    ),
  );
  const found = new Map(rows.map((row) => [row.tree, parseFrontier(row.size, row.frontier)]));
  return new Map(names.map((name) => [name, found.get(name) ?? emptyFrontier]));
}

/** Stores how far the trees were grown. */
export async function writeTrees(
  client: PoolClient,
  trees: readonly { name: TreeName; frontier: Frontier }[],
): Promise<void> {
  await client.query(
    `INSERT INTO trees (tree, size, frontier) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])
     ON CONFLICT (tree) DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
    [
      trees.map(({ name }) => name),
      trees.map(({ frontier }) => frontier.size),
      trees.map(({ frontier }) => Buffer.from(serializeFrontier(frontier))),
    ],
  );
}
