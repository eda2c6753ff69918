import { Readable } from 'node:stream';
import { type Asker, callerOf } from '../access/asker.ts';
import { visibleTo } from '../access/viewer.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent as StoredEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { USUAL_CSV } from '../exports/csv.ts';
import { aboutExport, EXPORT_FORMATS, type ExportFormat } from '../exports/link.ts';
import type { FeedStart, Subscription } from '../feed/feed.ts';
import { checkCsv } from '../graphql/types/export.ts';
import { parseCursor } from '../log/cursor.ts';
import { readHead } from '../log/head.ts';
import { AuditEvent } from './audit-event.ts';
import type { ExportOptions, FollowOptions } from './audit-log.ts';
import { called, shownError } from './calls.ts';
import { readFilter, readSeverity } from './filters.ts';
import type { OpenLog } from './open.ts';
import { textOf } from './read.ts';

/** The file is opened when it is first read. */
export function exportEvents(open: OpenLog, format: string, options: ExportOptions): Readable {
  const { services } = open;
  const {
    principal,
    filter,
    delimiter = USUAL_CSV.delimiter,
    byteOrderMark = USUAL_CSV.byteOrderMark,
  } = options;
  const name = EXPORT_FORMATS.find((one) => one.toLowerCase() === format);
  if (!name) throw badInput('format', `must be one of ${EXPORT_FORMATS.join(', ').toLowerCase()}`);
  const csv = checkCsv(name, { delimiter, byteOrderMark });
  const condition = readFilter(filter, services);
  const begin = () =>
    called(open, { principal, scope: 'events:export', what: 'auditExport' }, async (asker) => {
      const filters = visibleTo(asker.viewer, condition);
      const end = (await readHead(services.pool)).frontier.size;
      await recordExport(open, asker, { format: name, filters, end });
      const { keyId, generation, customerId } = asker.viewer;
      const rights = { keyId, generation, customerId, keyExpiresAt: undefined };
      const expiresAt = Number.POSITIVE_INFINITY;
      return services.openExport({ format: name, csv, filters, end, ...rights, expiresAt });
    });
  return Readable.from(piecesOf(begin), { objectMode: false, highWaterMark: 1 });
}

async function* piecesOf(begin: () => Promise<Readable>): AsyncGenerator<Buffer> {
  try {
    yield* await begin();
  } catch (error) {
    throw shownError(error);
  }
}

function recordExport(
  { services }: OpenLog,
  asker: Asker,
  { format, filters, end }: { format: ExportFormat; filters: EventFilter[]; end: number },
): Promise<void> {
  const { expiresAt: _, ...details } = aboutExport({ format, filters, end, expiresAt: 0 });
  return services.metaAudit.exported(callerOf(asker), {
    action: 'log.export',
    description: `the events as ${format} were given to the program that holds the log`,
    details,
  });
}

/** The place is fixed at once: what is recorded after the call is not missed, whenever the loop begins. */
export function follow(open: OpenLog, options: FollowOptions): AsyncIterableIterator<AuditEvent> {
  const { principal, signal } = options;
  const call = { principal, scope: 'events:read', what: 'auditEvents' } as const;
  const now = open.services.feed.end;
  const subscribed = called(open, call, async (asker) => {
    const subscription = await subscribe(open, asker, { ...options, now });
    open.services.metaAudit.subscribed(asker, { what: call.what });
    return subscription.readFrom(subscription.position);
  });
  // Whoever reads hears of it.
  subscribed.catch(() => undefined);
  return new Following(subscribed, signal);
}

function subscribe(
  { services }: OpenLog,
  { viewer }: Asker,
  { filter, minSeverity, after, now }: FollowOptions & { now: number },
): Promise<Subscription> {
  const filters = visibleTo(viewer, readFilter(filter, services));
  if (minSeverity !== undefined) filters.push({ minSeverity: readSeverity(minSeverity, 'minSeverity') });
  const reader = services.guardedReaderOf(viewer);
  return services.feed.subscribe({ filters, start: startOf(after, now), reader });
}

function startOf(after: string | null | undefined, now: number): FeedStart {
  if (after == null) return now;
  return after === 'beginning' ? 'beginning' : parseCursor(textOf(after, 'after'), 'after').position + 1;
}

/** The events of a subscription until it is left, its signal is aborted or the log is closed. */
class Following implements AsyncIterableIterator<AuditEvent> {
  readonly #subscribed: Promise<AsyncIterableIterator<StoredEvent>>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.return();
  #isOver = false;

  constructor(subscribed: Promise<AsyncIterableIterator<StoredEvent>>, signal: AbortSignal | undefined) {
    this.#subscribed = subscribed;
    this.#signal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<AuditEvent>> {
    try {
      const events = await this.#subscribed;
      if (this.#isOver) return { done: true, value: undefined };
      const { done, value } = await events.next();
      if (!done && !this.#isOver) return { done: false, value: AuditEvent.of(value) };
    } catch (error) {
      await this.return();
      throw shownError(error);
    }
    return this.return();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await this.#subscribed.then((events) => events.return?.()).catch(() => undefined);
    return { done: true, value: undefined };
  }
}

/** What a call says that comes when the log is closed. */
export function closedError(): AuditError {
  return new AuditError('UNAVAILABLE', 'this audit log is closed');
}
