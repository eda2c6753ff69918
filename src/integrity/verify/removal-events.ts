import type { PoolClient } from 'pg';
import { streamRows } from '../../db/stream.ts';
import { OWN_RESOURCE_TYPE } from '../../events/reserved.ts';
import { rootOf } from '../../merkle/tree.ts';
import { PURGE_ACTION, type ReadEvent, removalEventOf, UPGRADE_ACTION } from './announcement.ts';
import type { Findings } from './findings.ts';
import { Removals } from './removal.ts';
import type { LogSizes } from './sizes.ts';
import type { TreeCheck } from './tree.ts';

/**
 * The events that speak of removals, of those that are left. Whether they are what was appended, the walk finds out.
 * `upgradedAt`: see `Removals`; by default what the database says.
 */
export async function readRemovals(
  client: PoolClient,
  first: number,
  upgradedAt?: number,
): Promise<Removals> {
  const sql = `SELECT position, event_type, action, resource_type, details FROM audit_events
    WHERE position >= $1 AND resource_type = $2 AND action IN ($3, $4)`;
  const parameters = [first, OWN_RESOURCE_TYPE, PURGE_ACTION, UPGRADE_ACTION];
  const removals = new Removals(upgradedAt ?? ((await isOlder(client)) ? Infinity : undefined));
  const rows = streamRows<ReadEvent & { position: number }>(client, { sql, parameters, size: 500 });
  for await (const { position, ...event } of rows) removals.add(removalEventOf(event, position));
  return removals;
}

// Whether this version was never started on the database: then the column may not be there either.
async function isOlder(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ older: boolean }>(
    "SELECT to_jsonb(log_head) ->> 'announced_from' IS NULL AS older FROM log_head",
  );
  return rows[0]?.older ?? false;
}

/** Checks that an event announces that the log begins where the head says, and of which events it speaks. */
export function checkRemoval({
  sizes,
  tree,
  removals,
  findings,
}: {
  sizes: LogSizes;
  tree: TreeCheck;
  removals: Removals;
  findings: Findings;
}): void {
  // Where events are missing or changed, the one that announces it may be among them.
  if (findings.isAboutEvents) return;
  const found = removals.judge(sizes.first, (size) => {
    const frontier = tree.frontierAt(size);
    return frontier && Buffer.from(rootOf(frontier)).toString('hex');
  });
  if (found) findings.add(found, Math.max(1, sizes.first - (found.position ?? 0)));
}
