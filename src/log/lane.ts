import { Pipeline } from '../db/pipeline.ts';
import { mayBeBroken, type Pool } from '../db/pool.ts';
import type { BuiltBatch } from './build-batch.ts';

/** A batch whose rows travel to the database while the one before it commits. */
export class Lane {
  readonly batch: BuiltBatch;
  readonly #pipeline: Pipeline;

  private constructor(batch: BuiltBatch, pipeline: Pipeline) {
    this.batch = batch;
    this.#pipeline = pipeline;
  }

  /** Sends the batch but for its end; `onHead` is called when it has the head, after `finish`. */
  static async open(pool: Pool, batch: BuiltBatch, onHead: () => void): Promise<Lane> {
    const client = await pool.connect();
    const pipeline = client.query(new Pipeline(batch.steps, { isHeldBack: true, onCopied: onHead }));
    pipeline.done.then(
      () => client.release(),
      (error) => client.release(mayBeBroken(error)),
    );
    return new Lane(batch, pipeline);
  }

  /** Commits it, when the batch before it is committed. Rejects like a pipeline. */
  finish(): Promise<void> {
    this.#pipeline.release();
    return this.#pipeline.done;
  }

  /** Undoes it. */
  abandon(): void {
    this.#pipeline.abandon();
  }
}
