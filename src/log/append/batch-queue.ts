import { AuditError } from '../../errors.ts';
import type { AppendRequest, AssignedPosition } from './batch.ts';

const MAX_BATCH_EVENTS = 4_000;
const MAX_BATCH_BYTES = 16_000_000;
const MAX_WAITING_EVENTS = 50_000;
/** A request that has waited longer is refused with UNAVAILABLE. It was never sent, so the refusal is certain. */
const MAX_QUEUED_MS = 15_000;

/** A request with the functions that settle its promise. */
export interface WaitingRequest extends AppendRequest {
  /** When it arrived, by `performance.now`. */
  since: number;
  resolve: (positions: AssignedPosition[]) => void;
  reject: (error: unknown) => void;
}

/**
 * The requests of an appender that are not answered, in order of arrival. A request is queued until `takeBatch` returns it,
 * and is removed when `removeAnswered` gets it. One that is aborted or late while it is queued is refused.
 */
export class AppendQueue {
  readonly #queued: WaitingRequest[] = [];
  /** All requests: the queued ones and those of batches that are being committed. A set keeps the order of arrival. */
  readonly #waiting = new Set<WaitingRequest>();
  #queuedEvents = 0;
  #waitingEvents = 0;
  #lateTimer: NodeJS.Timeout | undefined;

  get isEmpty(): boolean {
    return this.#queued.length === 0;
  }

  /** The number of events in queued requests. */
  get queuedEvents(): number {
    return this.#queuedEvents;
  }

  /** How long the oldest request has been waiting for its answer, in milliseconds. 0: none waits. */
  get oldestWaitMs(): number {
    const [oldest] = this.#waiting;
    return oldest ? performance.now() - oldest.since : 0;
  }

  hasRoomFor(events: number): boolean {
    return this.#waitingEvents + events <= MAX_WAITING_EVENTS;
  }

  /** Queues a request. Resolves or rejects when it is answered. */
  add({ events, paths, signal }: AppendRequest): Promise<AssignedPosition[]> {
    this.#queuedEvents += events.length;
    this.#waitingEvents += events.length;
    return new Promise((resolve, reject) => {
      const request = { events, paths, signal, since: performance.now(), resolve, reject };
      this.#queued.push(request);
      this.#waiting.add(request);
      this.#lateTimer ??= setTimeout(this.#refuseLate, MAX_QUEUED_MS).unref();
    });
  }

  /** Refuses the aborted requests, and takes the oldest of the others for one batch: none when none is left. */
  takeBatch(): WaitingRequest[] {
    this.#refuseAborted();
    const batch = this.#queued.splice(0, batchLength(this.#queued));
    this.#queuedEvents -= countEvents(batch);
    return batch;
  }

  /** Removes the requests of a batch, which are answered. */
  removeAnswered(batch: readonly WaitingRequest[]): void {
    this.#waitingEvents -= countEvents(batch);
    for (const request of batch) this.#waiting.delete(request);
  }

  /** Stops the timer that refuses late requests. */
  close(): void {
    clearTimeout(this.#lateTimer);
  }

  #refuseAborted(): void {
    if (!this.#queued.some(({ signal }) => signal?.aborted)) return;
    for (const request of this.#queued.splice(0)) {
      if (request.signal?.aborted) this.#refuse(request, request.signal.reason);
      else this.#queued.push(request);
    }
  }

  // A batch that hangs must not delay queued requests for ever.
  readonly #refuseLate = (): void => {
    const latest = performance.now() - MAX_QUEUED_MS;
    const inTime = this.#queued.findIndex(({ since }) => since > latest);
    for (const late of this.#queued.splice(0, inTime === -1 ? this.#queued.length : inTime))
      this.#refuse(late, new AuditError('UNAVAILABLE', 'the database does not answer in time: retry'));
    const [oldest] = this.#queued;
    this.#lateTimer = oldest && setTimeout(this.#refuseLate, oldest.since - latest).unref();
  };

  #refuse(request: WaitingRequest, error: unknown): void {
    this.#queuedEvents -= request.events.length;
    this.removeAnswered([request]);
    request.reject(error);
  }
}

/** The number of requests that fit into one batch: at least one, if there is any. */
function batchLength(requests: readonly WaitingRequest[]): number {
  let length = 0;
  let events = 0;
  let bytes = 0;
  for (const request of requests) {
    events += request.events.length;
    bytes += request.events.reduce((sum, event) => sum + event.bytes, 0);
    if (length > 0 && (events > MAX_BATCH_EVENTS || bytes > MAX_BATCH_BYTES)) break;
    length += 1;
  }
  return length;
}

function countEvents(requests: readonly WaitingRequest[]): number {
  return requests.reduce((sum, { events }) => sum + events.length, 0);
}
