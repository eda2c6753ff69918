import type { PoolClient } from 'pg';
import { runPipeline } from '../db/pipeline.ts';
import type { Pool } from '../db/pool.ts';
import { buildBatch } from './build-batch.ts';
import { readHead } from './head.ts';
import type { PreparedEvent } from './prepare.ts';
import { Segments } from './segments.ts';

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
    await runPipeline(client, steps);
    return tree.size;
  };
}
