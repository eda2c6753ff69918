import { setTimeout } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client.ts';
import { clientOf, mayBeBroken, type Pool } from '../../db/pool.ts';
import { StatementPipeline } from '../../db/statement-pipeline.ts';
import { isTransient } from '../../errors.ts';
import type { Segments } from '../segments.ts';
import { type AppendRequest, type AppendResult, type BuiltBatch, buildBatch } from './batch.ts';
import {
  type AppendedBatch,
  appendToKnown,
  appendUnderLock,
  type KnownHead,
  type OnBatchState,
} from './transactions.ts';

const MAX_ATTEMPTS = 8;
const RETRY_MS = 5;
// After that a batch that fails is not tried again: with the limit of a step it settles within about twenty seconds.
const RETRY_UNTIL_MS = 12_000;
// How many batches wait for the head's lock before anything else, once another instance was faster.
const LOCKED_BATCHES = 16;

/** A batch that is being committed. */
export interface PendingCommit {
  /** Resolves when another batch may be started behind this one: it has the head, or `done` is settled. */
  isAhead: Promise<void>;
  /** What became of each request, in order. */
  done: Promise<AppendResult[]>;
}

/** Commits batches, remembering the log as it last wrote it, so that an undisturbed append is one round trip. */
export class Committer {
  readonly #pool: Pool;
  #log: KnownHead | undefined;
  #segments: Segments | undefined;
  #lockedBatches = 0;
  #ahead: BuiltBatch | undefined;
  #behind: PipelinedBatch | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Appends the requests in order, in one transaction, behind the batch that was started before; when that one has the
   * head, the rows of this one travel while it commits.
   * A connection that dies during COMMIT is settled by the ids of the events: never lost, never doubled.
   */
  start(requests: AppendRequest[]): PendingCommit {
    let mine: BuiltBatch | undefined;
    let letNextStart = () => {};
    const hasHead = new Promise<void>((resolve) => {
      letNextStart = resolve;
    });
    const onHead = (batch: BuiltBatch) => {
      mine = batch;
      this.#ahead = batch;
      letNextStart();
    };
    const before = this.#last;
    const work = this.#ahead
      ? this.#commitBehind(this.#ahead, requests, { before, onHead })
      : before.then(() => this.#commit(requests, onHead));
    const done = work.finally(() => {
      if (this.#ahead === mine) this.#ahead = undefined;
    });
    this.#last = done.then(ignore, ignore);
    return { isAhead: Promise.race([hasHead, this.#last]), done };
  }

  async #commitBehind(
    ahead: BuiltBatch,
    requests: AppendRequest[],
    { before, onHead }: { before: Promise<void>; onHead: OnBatchState },
  ): Promise<AppendResult[]> {
    // What goes wrong here shows again, or not, when the batch goes the ordinary way.
    const lane = await this.#pipelineBatch(ahead, requests, onHead).catch(ignore);
    await before;
    if (!lane || this.#log?.tree !== ahead.next) {
      lane?.abandon();
      return this.#commit(requests, onHead);
    }
    this.#behind = undefined;
    try {
      await lane.finish();
    } catch (error) {
      this.#forget(error);
      if (!mayTryAgain(error)) throw error;
      return this.#commit(requests, onHead, lane.batch);
    }
    this.#log = { tree: lane.batch.next, segments: this.#log.segments };
    return lane.batch.placed;
  }

  async #pipelineBatch(
    ahead: BuiltBatch,
    requests: AppendRequest[],
    onHead: OnBatchState,
  ): Promise<PipelinedBatch | undefined> {
    if (!this.#log) return undefined;
    const { segments } = this.#log;
    const batch = await buildBatch(requests, { tree: ahead.next, segments, db: this.#pool, ahead });
    // Duplicates alone have nothing to send, and a batch over the end of a segment is two COPYs: both are rare.
    if (batch.steps.filter((step) => 'rows' in step).length !== 1) return undefined;
    const lane = await PipelinedBatch.connect(this.#pool, batch);
    if (this.#ahead !== ahead) {
      lane.abandon();
      return undefined;
    }
    lane.send(() => onHead(batch));
    this.#behind = lane;
    return lane;
  }

  async #commit(
    requests: AppendRequest[],
    onHead: OnBatchState,
    inDoubt?: BuiltBatch,
  ): Promise<AppendResult[]> {
    let sent = inDoubt;
    const onSent = (batch: BuiltBatch) => {
      sent = batch;
    };
    const lastAt = performance.now() + RETRY_UNTIL_MS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const appended = await this.#append(requests, { sent, onSent, onHead });
        this.#log = appended.log;
        this.#segments = appended.log.segments;
        return appended.placed;
      } catch (error) {
        this.#forget(error);
        if (!mayTryAgain(error) || attempt >= MAX_ATTEMPTS || performance.now() > lastAt) throw error;
        if (this.#lockedBatches === 0) await setTimeout(Math.random() * RETRY_MS * 2 ** attempt);
      }
    }
  }

  #append(
    requests: AppendRequest[],
    { sent, onSent, onHead }: { sent: BuiltBatch | undefined; onSent: OnBatchState; onHead: OnBatchState },
  ): Promise<AppendedBatch> {
    if (this.#log && !sent && this.#lockedBatches === 0) {
      return appendToKnown(this.#pool, requests, { log: this.#log, onSent, onHead });
    }
    // Nobody goes behind a batch under the lock: where another instance waits for it, that one would be faster.
    if (this.#lockedBatches > 0) this.#lockedBatches -= 1;
    return appendUnderLock(this.#pool, requests, { segments: this.#segments, sent, onSent });
  }

  // At once, since a retry, or another instance that has the head, may wait for rows at the same positions.
  #forget(error: unknown): void {
    this.#log = undefined;
    this.#ahead = undefined;
    this.#behind?.abandon();
    this.#behind = undefined;
    if (isOvertaken(error)) this.#lockedBatches = LOCKED_BATCHES;
  }
}

/** Whether another instance was faster: it has the head, has moved it, or has taken a position or a key. */
function isOvertaken(error: unknown): boolean {
  return ['40001', '55P03', '23505'].includes((error as { code?: string }).code ?? '');
}

function mayTryAgain(error: unknown): boolean {
  return isOvertaken(error) || isTransient(error);
}

function ignore(): undefined {
  return undefined;
}

/** A batch whose rows travel to the database while the one before it commits. */
export class PipelinedBatch {
  readonly batch: BuiltBatch;
  readonly #client: PoolClient;
  #pipeline: StatementPipeline | undefined;
  #isSettled = false;

  private constructor(batch: BuiltBatch, client: PoolClient) {
    this.batch = batch;
    this.#client = client;
  }

  /** Takes a connection for the batch, on which nothing is sent yet. */
  static async connect(pool: Pool, batch: BuiltBatch): Promise<PipelinedBatch> {
    return new PipelinedBatch(batch, await pool.connect());
  }

  /** Sends the batch but for its end; `onHead` is called when it has the head, after `finish`. */
  send(onHead: () => void): void {
    this.#pipeline = this.#client.query(
      new StatementPipeline(this.batch.steps, { isHeldBack: true, onCopied: onHead }),
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
