import { setTimeout } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { SILENCE } from '../../db/client-with-deadlines.ts';
import { clientOf, mayBeBroken, type Pool } from '../../db/pool.ts';
import { StatementPipeline } from '../../db/statement-pipeline.ts';
import { isTransient, unavailable } from '../../errors.ts';
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
// A batch that fails later is not retried. With the time limit of a step, a batch settles within about twenty seconds.
const RETRY_UNTIL_MS = 12_000;
// The number of batches that lock the head first after another instance was faster, instead of trying the known head.
const LOCKED_BATCHES = 16;

/** Observes the attempts to commit a batch. */
export interface AttemptObserver {
  /** A batch is sent: the log will have this size when it is committed. */
  committing(size: number): void;
  /** The batch is not committed, or it is not known whether it is. It may be sent again. */
  failed(): void;
}

/** Does nothing. */
export const NO_OBSERVER = { committing() {}, failed() {}, committed() {} };

/** A batch that is being committed. */
export interface PendingCommit {
  /** Resolves when the next batch may start: this one holds the head, or `done` has settled. */
  isAhead: Promise<void>;
  /** The result of each request, in order. */
  done: Promise<AppendResult[]>;
}

interface AppendOptions {
  isUnderLock: boolean;
  /** The batch as an earlier attempt has sent it: it may be committed. */
  sent: BuiltBatch | undefined;
  onSent: OnBatchState;
  onHead: OnBatchState;
}

/**
 * Commits batches. It remembers the head that it last wrote, so an undisturbed append is one round trip. Two batches A and B
 * overlap, each on a connection of its own:
 *
 *     A: rows, head ........ COMMIT        (from "head" on, `start` may be called for B)
 *     B:        rows sent ........ head, COMMIT
 *
 * B is built on the head that A will write. When A fails, or another instance was faster, B is abandoned and started again
 * after A, without overlap.
 */
export class Committer {
  readonly #pool: Pool;
  readonly #observer: AttemptObserver;
  /** The head as this process last wrote or read it. Undefined: read it with the lock. */
  #log: KnownHead | undefined;
  #segments: Segments | undefined;
  #lockedBatches = 0;
  /** The batch that holds the head and commits. */
  #ahead: BuiltBatch | undefined;
  /** The batch behind it, whose rows are sent already. */
  #pipelined: PipelinedBatch | undefined;
  /** Settles when the batch that was started last is committed or has failed. */
  #last: Promise<void> = Promise.resolve();

  constructor(pool: Pool, observer: AttemptObserver = NO_OBSERVER) {
    this.#pool = pool;
    this.#observer = observer;
  }

  /**
   * Appends the requests in order, in one transaction, after the batch that was started before. While that one holds the
   * head and commits, the rows of this one are already sent.
   * When a connection breaks during COMMIT, the ids of the events tell whether the batch was committed: no event is lost, none
   * is doubled.
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
    // On an error the batch is committed without pipelining, where a lasting error shows again.
    const pipelined = await this.#pipelineBatch(ahead, requests, onHead).catch(ignore);
    await before;
    if (!pipelined || this.#log?.tree !== ahead.next) {
      pipelined?.abandon();
      return this.#commit(requests, onHead);
    }
    this.#pipelined = undefined;
    try {
      this.#observer.committing(pipelined.batch.next.size);
      await pipelined.finish();
    } catch (error) {
      this.#forget(error);
      if (!mayTryAgain(error)) throw error;
      return this.#commit(requests, onHead, pipelined.batch);
    }
    this.#log = { tree: pipelined.batch.next, segments: this.#log.segments };
    return pipelined.batch.results;
  }

  async #pipelineBatch(
    ahead: BuiltBatch,
    requests: AppendRequest[],
    onHead: OnBatchState,
  ): Promise<PipelinedBatch | undefined> {
    if (!this.#log) return undefined;
    const { segments } = this.#log;
    const batch = await buildBatch(requests, { tree: ahead.next, segments, db: this.#pool, ahead });
    // A batch of duplicates alone sends nothing, and one across two segments needs two COPYs. Both are rare.
    if (batch.steps.filter((step) => 'rows' in step).length !== 1) return undefined;
    const pipelined = await PipelinedBatch.connect(this.#pool, batch);
    if (this.#ahead !== ahead) {
      pipelined.abandon();
      return undefined;
    }
    pipelined.send(() => onHead(batch));
    this.#pipelined = pipelined;
    return pipelined;
  }

  async #commit(
    requests: AppendRequest[],
    onHead: OnBatchState,
    inDoubt?: BuiltBatch,
  ): Promise<AppendResult[]> {
    let sent = inDoubt;
    const onSent = (batch: BuiltBatch) => {
      sent = batch;
      this.#observer.committing(batch.next.size);
    };
    const lastAt = performance.now() + RETRY_UNTIL_MS;
    for (let attempt = 1; ; attempt += 1) {
      const isUnderLock = this.#needsLock(sent);
      try {
        const appended = await this.#append(requests, { isUnderLock, sent, onSent, onHead });
        this.#log = appended.log;
        this.#segments = appended.log.segments;
        return appended.results;
      } catch (error) {
        this.#forget(error);
        if (!mayTryAgain(error)) throw error;
        // Without the lock, another instance has taken a position: no fault. With it, the log and its head disagree.
        if (attempt >= MAX_ATTEMPTS || performance.now() > lastAt)
          throw isOvertaken(error) && !isUnderLock ? unavailable('conflict', error) : error;
        if (this.#lockedBatches === 0) await setTimeout(Math.random() * RETRY_MS * 2 ** attempt);
      }
    }
  }

  #needsLock(sent: BuiltBatch | undefined): boolean {
    return !this.#log || sent !== undefined || this.#lockedBatches > 0;
  }

  #append(
    requests: AppendRequest[],
    { isUnderLock, sent, onSent, onHead }: AppendOptions,
  ): Promise<AppendedBatch> {
    if (this.#log && !isUnderLock)
      return appendToKnown(this.#pool, requests, { log: this.#log, onSent, onHead });
    // Under the lock no batch is pipelined: another instance that waits for the lock would be faster.
    if (this.#lockedBatches > 0) this.#lockedBatches -= 1;
    return appendUnderLock(this.#pool, requests, { segments: this.#segments, sent, onSent });
  }

  // The pipelined batch is undone at once: a retry or another instance may wait for its rows at the same positions.
  #forget(error: unknown): void {
    this.#log = undefined;
    this.#ahead = undefined;
    this.#pipelined?.abandon();
    this.#pipelined = undefined;
    if (isOvertaken(error)) this.#lockedBatches = LOCKED_BATCHES;
    this.#observer.failed();
  }
}

/** Whether another instance was faster: it holds the head, has moved it, or has taken a position or a key. */
function isOvertaken(error: unknown): boolean {
  return ['40001', '55P03', '23505'].includes((error as { code?: string }).code ?? '');
}

function mayTryAgain(error: unknown): boolean {
  return isOvertaken(error) || isTransient(error);
}

function ignore(): undefined {
  return undefined;
}

/** A batch whose rows are sent while the preceding batch commits. */
export class PipelinedBatch {
  readonly batch: BuiltBatch;
  readonly #client: PoolClient;
  #pipeline: StatementPipeline | undefined;
  #isSettled = false;

  private constructor(batch: BuiltBatch, client: PoolClient) {
    this.batch = batch;
    this.#client = client;
  }

  /** Takes a connection for the batch. Sends nothing yet. */
  static async connect(pool: Pool, batch: BuiltBatch): Promise<PipelinedBatch> {
    return new PipelinedBatch(batch, await pool.connect());
  }

  /** Sends the batch except its end. `onHead` is called after `finish`, when the batch holds the head. */
  send(onHead: () => void): void {
    this.#pipeline = this.#client.query(
      new StatementPipeline(this.batch.steps, { isHeldBack: true, onCopied: onHead }),
    );
    this.#pipeline.done.then(
      () => this.#settle(false),
      (error) => this.#settle(mayBeBroken(error)),
    );
    // Silence is expected now: the server waits for the end, which is sent once the preceding batch is committed.
    clientOf(this.#client).pauseSilence();
  }

  /** Commits it. To be called once the preceding batch is committed. Rejects like a pipeline. */
  async finish(): Promise<void> {
    this.#pipeline?.release();
    clientOf(this.#client).resumeSilence(SILENCE.append);
    await this.#pipeline?.done;
  }

  /** Rolls it back, at whatever step it is. May be called more than once. */
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
