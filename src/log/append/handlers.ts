import type { Logger } from 'pino';
import { withDeadline } from '../../deadline.ts';
import { type Severity, severitiesFrom } from '../../events/catalog.ts';
import type { AuditEvent } from '../../events/fields.ts';

const MAX_QUEUED = 10_000;

/** Called with each event after this instance has committed it, one at a time, in order. Errors are reported. */
export interface EventHandler {
  name: string;
  handle(event: AuditEvent): void | Promise<void>;
}

/** A failure of a handler with an event. */
export interface HandlerFailure {
  handler: string;
  eventId: string;
  reason:
    | 'threw'
    | 'timed out'
    | 'was left out: the queue of the handler is full'
    | 'was left out: the service stopped';
  cause?: unknown;
}

/** Passes committed events to every handler. Neither the caller nor the other handlers wait for a handler. */
export type Dispatch = (events: readonly AuditEvent[]) => void;

/** The handlers of an instance. */
export interface Handlers {
  dispatch: Dispatch;
  /** Adds a handler for events that are committed from now on. Returns a function that removes it; events that were
   * dispatched before are still passed to it. */
  add(handler: EventHandler): () => void;
  /** Resolves when the handlers have handled the dispatched events, or after the time limit of one more event. */
  close(): Promise<void>;
}

/** Combines the handlers. `timeoutMs` is the time limit for one event. `report` is called with every failure. */
export function createHandlers(
  handlers: readonly EventHandler[],
  timeoutMs: number,
  report: (failure: HandlerFailure) => void,
): Handlers {
  const queueOf = (handler: EventHandler) => new HandlerQueue(handler, timeoutMs, report);
  const queues = new Set(handlers.map(queueOf));
  return {
    dispatch(events) {
      for (const queue of queues) for (const event of events) queue.add(event);
    },
    add(handler) {
      const queue = queueOf(handler);
      queues.add(queue);
      return () => void queues.delete(queue);
    },
    async close() {
      await Promise.all([...queues].map((queue) => queue.close()));
    },
  };
}

class HandlerQueue {
  readonly #handler: EventHandler;
  readonly #timeoutMs: number;
  readonly #report: (failure: HandlerFailure) => void;
  readonly #queue: AuditEvent[] = [];
  #running: Promise<void> | undefined;

  constructor(handler: EventHandler, timeoutMs: number, report: (failure: HandlerFailure) => void) {
    this.#handler = handler;
    this.#timeoutMs = timeoutMs;
    this.#report = report;
  }

  add(event: AuditEvent): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#fail(event, 'was left out: the queue of the handler is full');
      return;
    }
    this.#queue.push(event);
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    await this.#withTimeout(this.#running);
    for (const event of this.#queue.splice(0)) this.#fail(event, 'was left out: the service stopped');
  }

  async #run(): Promise<void> {
    // After the mutation: a handler may be slow before its first await.
    await new Promise((resolve) => setImmediate(resolve));
    for (let event = this.#queue.shift(); event; event = this.#queue.shift()) await this.#handle(event);
    this.#running = undefined;
  }

  async #handle(event: AuditEvent): Promise<void> {
    try {
      const work = this.#handler.handle(event);
      if (work && (await this.#withTimeout(work))) this.#fail(event, 'timed out');
    } catch (cause) {
      this.#fail(event, 'threw', cause);
    }
  }

  /** True when the time limit was reached first. */
  #withTimeout(work: void | Promise<void>): Promise<boolean> {
    const isDone = Promise.resolve(work).then(() => false);
    return withDeadline(isDone, this.#timeoutMs, () => true);
  }

  #fail(event: AuditEvent, reason: HandlerFailure['reason'], cause?: unknown): void {
    const failure = { handler: this.#handler.name, eventId: event.id, reason };
    this.#report(cause === undefined ? failure : { ...failure, cause });
  }
}

/**
 * The level of an event's line. None is above warn: an event says what happened in an application, and the levels error and
 * fatal are for problems of this service, which operators alert on.
 */
const LEVELS = { debug: 'debug', info: 'info', warning: 'warn', error: 'warn', critical: 'warn' } as const;

/** The handler that writes events of at least `threshold` to the structured log, with their severity. */
export function eventLogger(log: Logger, threshold: Severity | 'off'): EventHandler[] {
  if (threshold === 'off') return [];
  const logged = new Set(severitiesFrom(threshold));
  const handle: EventHandler['handle'] = (event) => {
    if (!logged.has(event.severity)) return;
    const { leafHash: _, ...auditEvent } = event;
    log[LEVELS[event.severity]]({ auditEvent }, event.eventType);
  };
  return [{ name: 'structured log', handle }];
}
