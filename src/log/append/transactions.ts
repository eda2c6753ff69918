import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client-with-deadlines.ts';
import { type Pool, rollBack, withClient } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { type PipelineStep, runStatements } from '../../db/statement-pipeline.ts';
import type { Frontier } from '../../merkle/tree.ts';
import { lockHead, readHead } from '../head.ts';
import { Segments } from '../segments.ts';
import { type AppendRequest, type AppendResult, type BuiltBatch, buildBatch } from './batch.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** The head as this instance last wrote it. */
export interface KnownHead {
  tree: Frontier;
  segments: Segments;
}

/** A committed batch, and the head after it. */
export interface AppendedBatch {
  results: AppendResult[];
  log: KnownHead;
}

/** Called when a batch is sent, or when it holds the head. */
export type OnBatchState = (batch: BuiltBatch) => void;

const COMMIT: PipelineStep = { sql: 'COMMIT', parameters: [] };

/**
 * Appends the requests to the known head, in one round trip. Rejects with `serialization_failure` (40001) when another
 * instance has moved the head. After `onSent` the batch may be committed; after `onHead` it holds the head.
 */
export async function appendToKnown(
  pool: Pool,
  requests: AppendRequest[],
  { log, onSent, onHead }: { log: KnownHead; onSent: OnBatchState; onHead: OnBatchState },
): Promise<AppendedBatch> {
  const batch = await buildBatch(requests, { tree: log.tree, segments: log.segments, db: pool });
  if (batch.steps.length > 0) {
    const work = (client: PoolClient) => {
      onSent(batch);
      return runStatements(client, batch.steps, { onCopying: () => onHead(batch) });
    };
    await withClient(pool, work, SILENCE.append);
  }
  return { results: batch.results, log: { tree: batch.next, segments: log.segments } };
}

/**
 * Appends the requests under the lock of the head. Under the lock, it is certain which batches are committed: when `sent`, the
 * batch of an earlier attempt, is one of them, nothing is appended. `onSent` is that of `appendToKnown`.
 */
export function appendUnderLock(
  pool: Pool,
  requests: AppendRequest[],
  {
    sent,
    onSent,
    ...known
  }: { segments: Segments | undefined; sent: BuiltBatch | undefined; onSent: OnBatchState },
): Promise<AppendedBatch> {
  const work = async (client: PoolClient) => {
    try {
      await client.query('BEGIN');
      const { frontier: tree, segmentBits } = await lockHead(client);
      const segments = known.segments ?? new Segments(pool, segmentBits);
      const isStored = sent !== undefined && (await isInLog(client, sent));
      const batch = isStored
        ? { ...sent, steps: [], next: tree }
        : await buildBatch(requests, { tree, segments, db: client });
      if (!isStored && batch.steps.length > 0) onSent(batch);
      await runStatements(client, [...batch.steps, COMMIT]);
      return { results: batch.results, log: { tree: batch.next, segments } };
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
  };
  return withClient(pool, work, SILENCE.append);
}

async function isInLog(client: PoolClient, { start, events }: BuiltBatch): Promise<boolean> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM audit_events WHERE position = $1', [
    start,
  ]);
  return rows[0] !== undefined && rows[0].id === events[0]?.record.id;
}

/** Appends an event within the transaction of the client, which then holds the head. Resolves with the position. */
export type AppendWithin = (client: PoolClient, event: PreparedEvent) => Promise<number>;

/**
 * Creates the append for transactions of the owner that commit an event together with other changes. The segment is created
 * here, before the transaction takes the head: every append waits while the head is held.
 */
export async function createAppendWithin(pool: Pool): Promise<AppendWithin> {
  const { frontier, segmentBits } = await readHead(prismaOn(pool));
  const segments = new Segments(pool, segmentBits);
  await segments.open(frontier.size, frontier.size + 1);
  return async (client, event) => {
    const { frontier: tree } = await lockHead(client);
    const { steps } = await buildBatch([{ events: [event], paths: ['event'] }], {
      tree,
      segments,
      db: client,
    });
    await runStatements(client, steps);
    return tree.size;
  };
}
