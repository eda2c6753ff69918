import { setImmediate } from 'node:timers/promises';
import type { Pool } from '../../db/pool.ts';
import { AuditError, orUnavailable } from '../../errors.ts';
import type { AuditEvent } from '../../events/fields.ts';
import { type AppendRequest, type AppendResult, type AssignedPosition, findConflicts } from './batch.ts';
import { AppendQueue, type WaitingRequest } from './batch-queue.ts';
import { type AttemptObserver, Committer, NO_OBSERVER } from './committer.ts';
import { eventAt, type PreparedEvent } from './prepare-event.ts';

// The smallest batch that is pipelined: its rows are sent while the preceding batch commits.
const PIPELINED_EVENTS = 250;

/** The only writer of the log in this process: requests that arrive while a batch commits form the next batch. */
export interface Appender {
  /** Resolves when the events are committed. Throws CONFLICT, OVERLOADED (retry later) or UNAVAILABLE (retry). */
  append(request: AppendRequest): Promise<AssignedPosition[]>;
  /** The CONFLICT errors that `append` would throw. None when the database cannot be asked. */
  conflicts(request: AppendRequest): Promise<readonly AuditError[]>;
  /** The state of the queue, for the readiness check. */
  state(): AppendState;
  /** Refuses new requests. Resolves when the waiting ones are committed. */
  close(): Promise<void>;
}

export interface AppendState {
  /** How long the oldest request has been waiting, in milliseconds. 0: none waits. */
  oldestWaitMs: number;
  /** When the last batch was settled (by `performance.now`), and its error if it failed. Undefined before the first. */
  last: { at: number; error: unknown } | undefined;
}

/** The events that a batch added to the log. */
export interface CommittedEvents {
  /** The position of the first event. */
  start: number;
  count: number;
  /** Creates the events, in log order. */
  events: () => AuditEvent[];
}

/** Observes the commits of an appender: every attempt that is sent fails or is committed before the next one is sent. */
export interface CommitObserver extends AttemptObserver {
  /** A batch with new events is committed. */
  committed(batch: CommittedEvents): void;
}

/** Creates the appender of an instance. */
export function createAppender(pool: Pool, observer: CommitObserver = NO_OBSERVER): Appender {
  return new BatchAppender(pool, observer);
}

class BatchAppender implements Appender {
  readonly #pool: Pool;
  readonly #observer: CommitObserver;
  readonly #committer: Committer;
  readonly #queue = new AppendQueue();
  /** The run of `#commitBatches`. Undefined: no request waits. */
  #running: Promise<void> | undefined;
  #last: AppendState['last'];
  #isClosed = false;
  /** Resolves the promise of `#untilPipelined`. */
  #startPipelined = () => {};

  constructor(pool: Pool, observer: CommitObserver) {
    this.#pool = pool;
    this.#observer = observer;
    this.#committer = new Committer(pool, observer);
  }

  append(request: AppendRequest): Promise<AssignedPosition[]> {
    const count = request.events.length;
    if (count === 0) return Promise.resolve([]);
    if (this.#isClosed) return refused('UNAVAILABLE', 'the service is stopping: retry');
    if (!this.#queue.hasRoomFor(count))
      return refused('OVERLOADED', 'too many events wait to be recorded: retry later');
    const answer = this.#queue.add(request);
    if (this.#queue.queuedEvents >= PIPELINED_EVENTS) this.#startPipelined();
    this.#running ??= this.#commitBatches();
    return answer;
  }

  conflicts(request: AppendRequest): Promise<readonly AuditError[]> {
    return findConflicts(this.#pool, request);
  }

  state(): AppendState {
    return { oldestWaitMs: this.#queue.oldestWaitMs, last: this.#last };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    this.#queue.close();
  }

  /** Commits one batch after the other, until the queue is empty and the last batch is answered. */
  async #commitBatches(): Promise<void> {
    let answered = Promise.resolve();
    while (!this.#queue.isEmpty) {
      // Requests of the same turn of the event loop share a batch.
      await setImmediate();
      const batch = this.#queue.takeBatch();
      if (batch.length > 0) {
        const { isAhead, done } = this.#committer.start(batch);
        answered = this.#answer(batch, done);
        await Promise.race([answered, isAhead.then(() => this.#untilPipelined())]);
      }
      if (this.#queue.isEmpty) await answered;
    }
    this.#running = undefined;
  }

  /** Resolves when enough events are queued for a pipelined batch. A smaller one waits for the preceding, and grows meanwhile. */
  #untilPipelined(): Promise<void> | undefined {
    if (this.#queue.queuedEvents >= PIPELINED_EVENTS) return undefined;
    return new Promise((resolve) => {
      this.#startPipelined = resolve;
    });
  }

  /** Answers the requests of a batch when it is committed or has failed. */
  async #answer(batch: readonly WaitingRequest[], done: Promise<AppendResult[]>): Promise<void> {
    let failure: unknown;
    try {
      const results = await done;
      reportCommitted(this.#observer, batch, results);
      batch.forEach((request, index) => {
        const result = results[index];
        if (Array.isArray(result)) request.resolve(result);
        else request.reject(result);
      });
    } catch (error) {
      failure = error;
      const shown = orUnavailable(error);
      for (const request of batch) request.reject(shown);
    }
    this.#queue.removeAnswered(batch);
    this.#last = { at: performance.now(), error: failure };
  }
}

function refused(code: 'UNAVAILABLE' | 'OVERLOADED', message: string): Promise<never> {
  return Promise.reject(new AuditError(code, message));
}

function reportCommitted(
  observer: CommitObserver,
  batch: readonly WaitingRequest[],
  results: readonly AppendResult[],
): void {
  const added = batch.flatMap(({ events }, index) => {
    const positions = results[index];
    if (!Array.isArray(positions)) return [];
    return positions.flatMap(({ position, isNew }, at) =>
      isNew ? [{ position, event: events[at] as PreparedEvent }] : [],
    );
  });
  const [first] = added;
  if (!first) return;
  observer.committed({
    start: first.position,
    count: added.length,
    events: () => added.map(({ event, position }) => eventAt(event, position)),
  });
}
