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
/** Longest time in the queue. What waits longer was never sent, so it can be refused for certain. */
const MAX_QUEUED_MS = 15_000;
// From so many on, the rows of a batch are sent while the one before it commits.
const PIPELINED_EVENTS = 250;

/** The only writer of the log in this process: requests that arrive while a batch commits form the next batch. */
export interface Appender {
  /** Resolves when the events are committed. Throws CONFLICT, OVERLOADED (retry later), UNAVAILABLE (retry). */
  append(request: AppendRequest): Promise<AssignedPosition[]>;
  /** The CONFLICTs for which `append` would refuse the events; none where the database cannot tell. */
  conflicts(request: AppendRequest): Promise<readonly AuditError[]>;
  /** How it is doing, for whoever asks whether the instance is ready. */
  state(): AppendState;
  /** Refuses new requests and resolves when those that wait are committed. */
  close(): Promise<void>;
}

export interface AppendState {
  /** How long the oldest request has been waiting, in milliseconds; 0: none waits. */
  oldestWaitMs: number;
  /** When the last batch was settled (`performance.now`), and what failed if it did; undefined: there was none. */
  last: { at: number; error: unknown } | undefined;
}

interface WaitingRequest extends AppendRequest {
  since: number;
  resolve: (placements: AssignedPosition[]) => void;
  reject: (error: unknown) => void;
}

/** The events that a batch has added to the log. */
export interface CommittedEvents {
  /** The position of the first. */
  start: number;
  count: number;
  /** Makes them, in log order. */
  events: () => AuditEvent[];
}

/** Called as soon as a batch with new events is committed. */
export type OnCommitted = (committed: CommittedEvents) => void;

/** Makes the appender on a pool. */
export function createAppender(pool: Pool, onCommitted: OnCommitted = () => undefined): Appender {
  const committer = new Committer(pool);
  const queue: WaitingRequest[] = [];
  // In the order in which they came: a set keeps it.
  const waiting = new Set<WaitingRequest>();
  let last: AppendState['last'];
  let queuedEvents = 0;
  let waitingEvents = 0;
  let running: Promise<void> | undefined;
  let isClosed = false;
  let onEnough = () => {};
  let lateTimer: NodeJS.Timeout | undefined;

  async function drain(): Promise<void> {
    let settled = Promise.resolve();
    while (queue.length > 0) {
      // What has arrived in this turn of the event loop goes into the same batch.
      await setImmediate();
      refuseUnwanted();
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
      await Promise.race([settled, isAhead.then(enough)]);
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

  function refuseUnwanted(): void {
    if (!queue.some(({ signal }) => signal?.aborted)) return;
    for (const request of queue.splice(0)) {
      if (request.signal?.aborted) refuse(request, request.signal.reason);
      else queue.push(request);
    }
  }

  // A batch that hangs must not hold up for ever what has not been sent.
  function refuseLate(): void {
    const dueAt = performance.now() - MAX_QUEUED_MS;
    while (queue[0] && queue[0].since <= dueAt) {
      const late = queue.shift() as WaitingRequest;
      refuse(late, new AuditError('UNAVAILABLE', 'the database does not answer in time: retry'));
    }
    lateTimer = queue[0] && setTimeout(refuseLate, queue[0].since - dueAt).unref();
  }

  // A small batch waits for the one before it, and grows meanwhile.
  function enough(): Promise<void> | undefined {
    if (queuedEvents >= PIPELINED_EVENTS) return undefined;
    return new Promise((resolve) => {
      onEnough = resolve;
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
        if (queuedEvents >= PIPELINED_EVENTS) onEnough();
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

/** Answers the requests; resolves with what failed, if the whole batch did. */
async function answerRequests(
  done: Promise<AppendResult[]>,
  requests: WaitingRequest[],
  onCommitted: OnCommitted,
): Promise<unknown> {
  try {
    const placed = await done;
    reportCommitted(onCommitted, requests, placed);
    requests.forEach((request, index) => {
      const outcome = placed[index];
      if (Array.isArray(outcome)) request.resolve(outcome);
      else request.reject(outcome);
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
  placed: readonly AppendResult[],
): void {
  const added = requests.flatMap(({ events }, index) => {
    const placements = placed[index];
    if (!Array.isArray(placements)) return [];
    return placements.flatMap(({ position, isNew }, place) =>
      isNew ? [{ position, event: events[place] as PreparedEvent }] : [],
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
