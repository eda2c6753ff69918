import { setImmediate } from 'node:timers/promises';
import type { Pool } from '../../db/pool.ts';
import { AuditError, orUnavailable } from '../../errors.ts';
import type { AuditEvent } from '../../events/fields.ts';
import { type AppendRequest, type AppendResult, type AssignedPosition, findConflicts } from './batch.ts';
import { Committer } from './committer.ts';
import { eventAt, type PreparedEvent } from './prepare-event.ts';

const MAX_BATCH_EVENTS = 4_000;
const MAX_BATCH_BYTES = 16_000_000;
const MAX_WAITING_EVENTS = 50_000;
/** A request that has waited longer is refused with UNAVAILABLE. It was never sent, so the refusal is certain. */
const MAX_QUEUED_MS = 15_000;
// A batch of at least so many events is pipelined: its rows are sent while the preceding batch commits.
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

interface WaitingRequest extends AppendRequest {
  since: number;
  resolve: (positions: AssignedPosition[]) => void;
  reject: (error: unknown) => void;
}

/** The events that a batch added to the log. */
export interface CommittedEvents {
  /** The position of the first event. */
  start: number;
  count: number;
  /** Creates the events, in log order. */
  events: () => AuditEvent[];
}

/** Called as soon as a batch with new events is committed. */
export type OnCommitted = (committed: CommittedEvents) => void;

/** Creates the appender of an instance. */
export function createAppender(pool: Pool, onCommitted: OnCommitted = () => undefined): Appender {
  const committer = new Committer(pool);
  const queue: WaitingRequest[] = [];
  // A set keeps the order of arrival.
  const waiting = new Set<WaitingRequest>();
  let last: AppendState['last'];
  let queuedEvents = 0;
  let waitingEvents = 0;
  let running: Promise<void> | undefined;
  let isClosed = false;
  let startNextBatch = () => {};
  let lateTimer: NodeJS.Timeout | undefined;

  async function drain(): Promise<void> {
    let settled = Promise.resolve();
    while (queue.length > 0) {
      // Requests of the same turn of the event loop share a batch.
      await setImmediate();
      refuseAborted();
      const requests = takeBatch(queue);
      if (requests.length === 0) break;
      const events = countOf(requests);
      queuedEvents -= events;
      const { isAhead, done } = committer.start(requests);
      settled = answerRequests(done, requests, onCommitted).then((error) => {
        waitingEvents -= events;
        for (const request of requests) waiting.delete(request);
        last = { at: performance.now(), error };
      });
      await Promise.race([settled, isAhead.then(untilWorthPipelining)]);
      if (queue.length === 0) await settled;
    }
    running = undefined;
  }

  function refuse(late: WaitingRequest, error: unknown): void {
    queuedEvents -= late.events.length;
    waitingEvents -= late.events.length;
    waiting.delete(late);
    late.reject(error);
  }

  function refuseAborted(): void {
    if (!queue.some(({ signal }) => signal?.aborted)) return;
    for (const request of queue.splice(0)) {
      if (request.signal?.aborted) refuse(request, request.signal.reason);
      else queue.push(request);
    }
  }

  // A batch that hangs must not delay unsent requests for ever.
  function refuseLate(): void {
    const dueAt = performance.now() - MAX_QUEUED_MS;
    while (queue[0] && queue[0].since <= dueAt) {
      const late = queue.shift() as WaitingRequest;
      refuse(late, new AuditError('UNAVAILABLE', 'the database does not answer in time: retry'));
    }
    lateTimer = queue[0] && setTimeout(refuseLate, queue[0].since - dueAt).unref();
  }

  // A small batch waits for the preceding one, and grows meanwhile.
  function untilWorthPipelining(): Promise<void> | undefined {
    if (queuedEvents >= PIPELINED_EVENTS) return undefined;
    return new Promise((resolve) => {
      startNextBatch = resolve;
    });
  }

  return {
    append({ events, paths, signal }) {
      if (events.length === 0) return Promise.resolve([]);
      if (isClosed) return Promise.reject(new AuditError('UNAVAILABLE', 'the service is stopping: retry'));
      if (waitingEvents + events.length > MAX_WAITING_EVENTS) {
        return Promise.reject(
          new AuditError('OVERLOADED', 'too many events wait to be recorded: retry later'),
        );
      }
      waitingEvents += events.length;
      queuedEvents += events.length;
      return new Promise((resolve, reject) => {
        const request = { events, paths, signal, since: performance.now(), resolve, reject };
        queue.push(request);
        waiting.add(request);
        lateTimer ??= setTimeout(refuseLate, MAX_QUEUED_MS).unref();
        if (queuedEvents >= PIPELINED_EVENTS) startNextBatch();
        running ??= drain();
      });
    },
    conflicts: (request) => findConflicts(pool, request),
    state() {
      const [oldest] = waiting;
      return { oldestWaitMs: oldest ? performance.now() - oldest.since : 0, last };
    },
    async close() {
      isClosed = true;
      await running;
      clearTimeout(lateTimer);
    },
  };
}

/** Answers the requests of a batch. Resolves with the error when the whole batch failed. */
async function answerRequests(
  done: Promise<AppendResult[]>,
  requests: WaitingRequest[],
  onCommitted: OnCommitted,
): Promise<unknown> {
  try {
    const results = await done;
    reportCommitted(onCommitted, requests, results);
    requests.forEach((request, index) => {
      const result = results[index];
      if (Array.isArray(result)) request.resolve(result);
      else request.reject(result);
    });
    return undefined;
  } catch (error) {
    const shown = orUnavailable(error);
    for (const request of requests) request.reject(shown);
    return error;
  }
}

function reportCommitted(
  onCommitted: OnCommitted,
  requests: readonly WaitingRequest[],
  results: readonly AppendResult[],
): void {
  const added = requests.flatMap(({ events }, index) => {
    const positions = results[index];
    if (!Array.isArray(positions)) return [];
    return positions.flatMap(({ position, isNew }, at) =>
      isNew ? [{ position, event: events[at] as PreparedEvent }] : [],
    );
  });
  const [first] = added;
  if (!first) return;
  onCommitted({
    start: first.position,
    count: added.length,
    events: () => added.map(({ event, position }) => eventAt(event, position)),
  });
}

function countOf(requests: readonly WaitingRequest[]): number {
  return requests.reduce((sum, { events }) => sum + events.length, 0);
}

function takeBatch(queue: WaitingRequest[]): WaitingRequest[] {
  let count = 0;
  let events = 0;
  let bytes = 0;
  for (const request of queue) {
    events += request.events.length;
    bytes += request.events.reduce((sum, event) => sum + event.bytes, 0);
    if (count > 0 && (events > MAX_BATCH_EVENTS || bytes > MAX_BATCH_BYTES)) break;
    count += 1;
  }
  return queue.splice(0, count);
}
