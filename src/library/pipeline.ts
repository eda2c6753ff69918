import { prismaOn } from '../db/prisma.ts';
import { createAppender } from '../log/append.ts';
import { readPositions } from '../log/read.ts';
import { eventLogger } from '../pipeline/event-log.ts';
import { type EventFilterFunction, loadExtensions } from '../pipeline/extensions.ts';
import { createFilters } from '../pipeline/filters.ts';
import { createHandlers, type EventHandler, type Handlers } from '../pipeline/handlers.ts';
import type { Pipeline } from '../pipeline/record.ts';
import { openRedaction } from '../pipeline/redaction.ts';
import { namingSetting } from '../start-errors.ts';
import { AuditEvent } from './audit-event.ts';
import type { LogReaders } from './readers.ts';
import type { Opening, Storage } from './storage.ts';

/** The way of events into the log, and what may be added to it while it is open. */
export interface OpenPipeline {
  pipeline: Pipeline;
  handlers: Handlers;
  /** Those that are asked now. */
  filters: Set<EventFilterFunction>;
  /** What still waits to be recorded is refused with the reason. */
  refused: AbortController;
}

/** Opens the pipeline: filters and handlers, redaction, append. */
export async function openPipeline(
  opening: Opening,
  { owner, pool }: Storage,
  { feed }: LogReaders,
): Promise<OpenPipeline> {
  const { config, log, closers, now = Date.now } = opening;
  const extensions = await namingSetting('PIPELINE_MODULE', 'correct the module or its path', () =>
    loadExtensions(config.PIPELINE_MODULE, opening),
  );
  const handlers = createHandlers(
    [...eventLogger(log, config.LOG_EVENTS), ...extensions.handlers.map((one) => withAuditEvents(one))],
    config.HANDLER_TIMEOUT_MS,
    (failure) => log.error({ ...failure, err: failure.cause, cause: undefined }, 'a handler failed'),
  );
  closers.add(handlers, (part) => part.close());
  const filters = new Set(extensions.filters);
  const refused = new AbortController();
  const pipeline: Pipeline = {
    filters: createFilters(filters, config.FILTER_TIMEOUT_MS),
    redaction: await openRedaction(owner, config, extensions.redact),
    appender: closers.add(createAppender(pool, feed.take), (part) => part.close()),
    readPositions: (positions) => readPositions(prismaOn(pool), positions),
    dispatch: handlers.dispatch,
    now,
    refused: refused.signal,
  };
  return { pipeline, handlers, filters, refused };
}

/** The same handler, whose events have the methods of an `AuditEvent`. */
export function withAuditEvents(handler: {
  name: string;
  handle(event: AuditEvent): void | Promise<void>;
}): EventHandler {
  return { name: handler.name, handle: (event) => handler.handle(AuditEvent.of(event)) };
}
