import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client.ts';
import { type Pool, rollBack, withClient } from '../../db/pool.ts';
import { type PipelineStep, runStatements } from '../../db/statement-pipeline.ts';
import type { Frontier } from '../../merkle/tree.ts';
import { readHead } from '../head.ts';
import { Segments } from '../segments.ts';
import { type AppendRequest, type AppendResult, type BuiltBatch, buildBatch } from './batch.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** What an instance knows of the log: its tree after what it wrote itself. */
export interface KnownHead {
  tree: Frontier;
  segments: Segments;
}

/** A batch that was committed. */
export interface AppendedBatch {
  placed: AppendResult[];
  log: KnownHead;
}

/** Called with a batch that was sent or has the head. */
export type OnBatchState = (batch: BuiltBatch) => void;

const COMMIT: PipelineStep = { sql: 'COMMIT', parameters: [] };

/**
 * Appends the requests to the log as it is known, in one round trip. Rejects with `serialization_failure` (40001) when
 * another instance has written since. `onSent`: from now on the batch may be committed; `onHead`: it has the head.
 */
export async function appendToKnown(
  pool: Pool,
  requests: AppendRequest[],
  { log, onSent, onHead }: { log: KnownHead; onSent: OnBatchState; onHead: OnBatchState },
): Promise<AppendedBatch> {
  const batch = await buildBatch(requests, { tree: log.tree, segments: log.segments, db: pool });
  if (batch.steps.length > 0) {
    onSent(batch);
    const onCopying = () => onHead(batch);
    const work = (client: PoolClient) => runStatements(client, batch.steps, { onCopying });
    await withClient(pool, work, SILENCE.append);
  }
  return { placed: batch.placed, log: { tree: batch.next, segments: log.segments } };
}

/**
 * Appends the requests under the lock of the head. Who has it knows for certain what was committed, so also whether
 * `sent` was: then nothing is appended. `onSent` as above.
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
      const { frontier: tree, segmentBits } = await readHead(client, { lock: true });
      const segments = known.segments ?? new Segments(pool, segmentBits);
      const isStored = sent !== undefined && (await isInLog(client, sent));
      const batch = isStored
        ? { ...sent, steps: [], next: tree }
        : await buildBatch(requests, { tree, segments, db: client });
      if (!isStored && batch.steps.length > 0) onSent(batch);
      await runStatements(client, [...batch.steps, COMMIT]);
      return { placed: batch.placed, log: { tree: batch.next, segments } };
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

/** Appends an event in the transaction of the client, which holds the head from then on. Resolves with its position. */
export type AppendWithin = (client: PoolClient, event: PreparedEvent) => Promise<number>;

/**
 * Makes an append within transactions of the owner, for an event that is one with other changes. The segment that it
 * will need is made now, before the head is taken: everybody waits for whoever holds that.
 */
export async function createAppendWithin(pool: Pool): Promise<AppendWithin> {
  const { frontier, segmentBits } = await readHead(pool);
  const segments = new Segments(pool, segmentBits);
  await segments.open(frontier.size, frontier.size + 1);
  return async (client, event) => {
    const { frontier: tree } = await readHead(client, { lock: true });
    const { steps } = await buildBatch([{ events: [event], paths: ['event'] }], {
      tree,
      segments,
      db: client,
    });
    await runStatements(client, steps);
    return tree.size;
  };
}
