import type { PoolClient } from 'pg';
import { SILENCE } from '../db/client.ts';
import { Pipeline } from '../db/pipeline.ts';
import { clientOf, mayBeBroken, type Pool } from '../db/pool.ts';
import type { BuiltBatch } from './build-batch.ts';

/** A batch whose rows travel to the database while the one before it commits. */
export class Lane {
  readonly batch: BuiltBatch;
  readonly #client: PoolClient;
  #pipeline: Pipeline | undefined;
  #isSettled = false;

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
      () => this.#settle(false),
      (error) => this.#settle(mayBeBroken(error)),
    );
    // The server waits for the end, which is not sent before the batch ahead is committed.
    clientOf(this.#client).pauseSilence();
  }

  /** Commits it, when the batch before it is committed. Rejects like a pipeline. */
  async finish(): Promise<void> {
    this.#pipeline?.release();
    clientOf(this.#client).resumeSilence(SILENCE.append);
    await this.#pipeline?.done;
  }

  /** Undoes it, however far it is; more than once does no harm. */
  abandon(): void {
    if (!this.#pipeline) this.#client.release();
    else {
      this.#pipeline.abandon();
      if (!this.#isSettled) clientOf(this.#client).resumeSilence(SILENCE.append);
    }
  }

  #settle(isBroken: boolean): void {
    this.#isSettled = true;
    this.#client.release(isBroken);
  }
}
