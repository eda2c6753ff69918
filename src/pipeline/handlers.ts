import type { AuditEvent } from '../events/event.ts';

const MAX_QUEUED = 10_000;

/** Called after an event was committed by this instance, one event at a time, in order. What it throws is reported. */
export interface EventHandler {
  name: string;
  handle(event: AuditEvent): void | Promise<void>;
}

/** What a handler did wrong with an event. */
export interface HandlerFailure {
  handler: string;
  eventId: string;
  reason: 'threw' | 'timed out' | 'was left out: the queue of the handler is full';
  cause?: unknown;
}

/** Gives committed events to every handler; neither the caller nor another handler is held up. */
export type Dispatch = (events: readonly AuditEvent[]) => void;

/** Makes the dispatch; `timeoutMs` is the longest time for one event, `report` gets every failure. */
export function createDispatch(
  handlers: readonly EventHandler[],
  timeoutMs: number,
  report: (failure: HandlerFailure) => void,
): Dispatch {
  const lanes = handlers.map((handler) => createLane(handler, timeoutMs, report));
  return (events) => {
    for (const lane of lanes) for (const event of events) lane(event);
  };
}

function createLane(
  handler: EventHandler,
  timeoutMs: number,
  report: (failure: HandlerFailure) => void,
): (event: AuditEvent) => void {
  const queue: AuditEvent[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    // Not within the mutation: a handler may be slow before its first await.
    await new Promise((resolve) => setImmediate(resolve));
    for (let event = queue.shift(); event; event = queue.shift()) await handleOne(event);
    isRunning = false;
  }

  async function handleOne(event: AuditEvent): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'timed out'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'timed out');
    });
    try {
      const result = await Promise.race([handler.handle(event), timeout]);
      if (result === 'timed out') report({ handler: handler.name, eventId: event.id, reason: 'timed out' });
    } catch (cause) {
      report({ handler: handler.name, eventId: event.id, reason: 'threw', cause });
    } finally {
      clearTimeout(timer);
    }
  }

  return (event) => {
    if (queue.length >= MAX_QUEUED) {
      report({
        handler: handler.name,
        eventId: event.id,
        reason: 'was left out: the queue of the handler is full',
      });
      return;
    }
    queue.push(event);
    if (isRunning) return;
    isRunning = true;
    void run();
  };
}
