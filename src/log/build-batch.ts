import type { PoolClient } from 'pg';
import type { Step } from '../db/pipeline.ts';
import type { Pool } from '../db/pool.ts';
import { AuditError, AuditErrors, conditionOf } from '../errors.ts';
import type { Frontier } from '../merkle/tree.ts';
import { appendSteps } from './append-steps.ts';
import { lookUpKeys } from './idempotency.ts';
import { type AppendRequest, type Batch, type Placed, placeRequests } from './place.ts';
import type { Segments } from './segments.ts';

/** The CONFLICTs for which a request would be refused; none where the database cannot tell. */
export async function findConflicts(pool: Pool, request: AppendRequest): Promise<readonly AuditError[]> {
  try {
    const known = await lookUpKeys(pool, request.events);
    const [placed] = placeRequests([request], 0, known).placed;
    if (placed instanceof AuditErrors) return placed.all;
    return placed instanceof AuditError ? [placed] : [];
  } catch (error) {
    if (conditionOf(error) === undefined) throw error;
    return [];
  }
}

/** A batch ready to be sent. */
export interface BuiltBatch extends Batch {
  /** What becomes of each request when the batch is committed. */
  placed: Placed[];
  /** None when there is no event to insert. */
  steps: Step[];
  /** The tree after it. */
  next: Frontier;
}

/** On what a batch is built. */
export interface Foundation {
  /** The log's tree before it. */
  tree: Frontier;
  segments: Segments;
  /** Where to look up keys: nothing may be committed between that and the batch, unless by `ahead`. */
  db: Pool | PoolClient;
  /** The batch that has the head and is not committed yet. */
  ahead?: BuiltBatch;
}

/** Gives every event of the requests its place and makes the steps that append them. */
export async function buildBatch(
  requests: AppendRequest[],
  { tree, segments, db, ahead }: Foundation,
): Promise<BuiltBatch> {
  const known = await lookUpKeys(
    db,
    requests.flatMap((request) => request.events),
  );
  for (const [name, key] of ahead?.known ?? []) known.set(name, key);
  const { batch, placed } = placeRequests(requests, tree.size, known);
  if (batch.events.length === 0) return { ...batch, placed, steps: [], next: tree };
  const parts = await segments.open(tree.size, tree.size + batch.events.length);
  return { ...batch, placed, ...appendSteps(batch, tree, { parts, isAhead: ahead !== undefined }) };
}
