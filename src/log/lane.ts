import type { PoolClient } from 'pg';
import { Pipeline } from '../db/pipeline.ts';
import { mayBeBroken, type Pool } from '../db/pool.ts';
import type { BuiltBatch } from './build-batch.ts';

/** A batch whose rows travel to the database while the one before it commits. */
export class Lane {
  readonly batch: BuiltBatch;
  readonly #client: PoolClient;
  #pipeline: Pipeline | undefined;

  private constructor(batch: BuiltBatch, client: PoolClient) {
    this.batch = batch;
    this.#client = client;
  }

  /** Takes a connection for the batch, on which nothing is sent yet. */
  static async connect(pool: Pool, batch: BuiltBatch): Promise<Lane> {
    return new Lane(batch, await pool.connect());
  }

  /** Sends the batch but for its end; `onHead` is called when it has the head, after `finish`. */
  send(onHead: () => void): void {
    this.#pipeline = this.#client.query(
      new Pipeline(this.batch.steps, { isHeldBack: true, onCopied: onHead }),
    );
    this.#pipeline.done.then(
      () => this.#client.release(),
      (error) => this.#client.release(mayBeBroken(error)),
    );
  }

  /** Commits it, when the batch before it is committed. Rejects like a pipeline. */
  async finish(): Promise<void> {
    this.#pipeline?.release();
    await this.#pipeline?.done;
  }

  /** Undoes it, however far it is; more than once does no harm. */
  abandon(): void {
    if (this.#pipeline) this.#pipeline.abandon();
    else this.#client.release();
  }
}
