import { Readable } from 'node:stream';
import { visibleTo } from '../auth/gate.ts';
import { callerOf, type RequestContext } from '../auth/principal-and-scopes.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent as StoredEvent } from '../events/fields.ts';
import type { EventFilter } from '../events/filter.ts';
import type { FeedStart, Subscription } from '../feed/feed.ts';
import { USUAL_CSV } from '../log/exports/csv.ts';
import { aboutExport, EXPORT_FORMATS, type ExportFormat } from '../log/exports/link.ts';
import { readSize } from '../log/head.ts';
import { parseCursor } from '../log/read/cursor.ts';
import { listEvents, readEvents } from '../log/read/events.ts';
import { EVENT_ORDERS, type EventOrder, MAX_OFFSET, PAGE_SIZE } from '../log/read/pages.ts';
import {
  countBy,
  countResources,
  MAX_TIMELINE_POINTS,
  TIME_BUCKETS,
  type TimeBucket,
  TOP_SIZE,
  USUAL_PERIOD_MS,
} from '../log/summary/group-by.ts';
import { Summary } from '../log/summary/summary.ts';
import { treeViewOf } from '../schema/context.ts';
import { checkCsv } from '../schema/export.ts';
import { boundsOf, checkBucket } from '../schema/summary.ts';
import { AuditEvent } from './audit-event.ts';
import type {
  AuditSummary,
  CallOptions,
  ExportOptions,
  FollowOptions,
  Proof,
  QueryOptions,
  QueryResult,
  SummaryOptions,
} from './audit-log.ts';
import { runCall, toAuditError } from './calls.ts';
import { type AuditFilter, readFilter, readSeverity } from './filters.ts';
import { timeOf } from './inputs.ts';
import type { OpenLog } from './open.ts';

const READ = 'events:read';

export function query(
  open: OpenLog,
  filter: AuditFilter | undefined,
  { principal, limit = PAGE_SIZE.usual, offset, order = 'timestamp_desc', after }: QueryOptions,
): Promise<QueryResult> {
  const { services } = open;
  return runCall(open, { principal, scope: READ, what: 'auditEvents' }, async (context) => {
    if (offset !== undefined && after != null)
      throw badInput('offset', 'cannot be given together with after');
    const page = await listEvents(services.readerOf(context.principal), {
      filters: visibleTo(context.principal, readFilter(filter, services)),
      order: orderOf(order),
      limit: readWholeNumber(0, PAGE_SIZE.most, limit, 'limit'),
      isBackward: false,
      after: after == null ? undefined : parseCursor(readText(after, 'after'), 'after'),
      offset: offset === undefined ? undefined : readWholeNumber(0, MAX_OFFSET, offset, 'offset'),
    });
    const events = page.events.map(AuditEvent.of);
    services.metaAudit.read(context, { what: 'auditEvents', events: events.length });
    return { events, hasNextPage: page.hasNextPage, endCursor: events.at(-1)?.cursor ?? null };
  });
}

export function get(open: OpenLog, id: string, { principal }: CallOptions): Promise<AuditEvent | undefined> {
  const { services } = open;
  return runCall(open, { principal, scope: READ, what: 'auditEvent' }, async (context) => {
    const { principal } = context;
    const [event] = await readEvents(
      services.readerOf(principal),
      [readText(id, 'id')],
      visibleTo(principal),
    );
    services.metaAudit.read(context, { what: 'auditEvent', events: event ? 1 : 0 });
    return event ? AuditEvent.of(event) : undefined;
  });
}

export function prove(open: OpenLog, id: string, { principal }: CallOptions): Promise<Proof> {
  const { services } = open;
  return runCall(open, { principal, scope: READ, what: 'auditEvent' }, async (context) => {
    const { principal } = context;
    const [event] = await readEvents(
      services.readerOf(principal),
      [readText(id, 'id')],
      visibleTo(principal),
    );
    if (!event) throw new AuditError('NOT_FOUND', 'there is no event with this id', 'id');
    services.metaAudit.read(context, { what: 'auditEvent', events: 1 });
    const view = treeViewOf({ principal, services });
    const [bundle] = await services.evidence.proofBundles(view, [event]);
    const [proof] = await services.evidence.inclusionProofs(view, [event]);
    if (bundle instanceof AuditError) throw bundle;
    if (proof instanceof AuditError) throw proof;
    if (bundle === undefined || proof === undefined) throw new Error('no proof was made');
    const { leafIndex, treeSize, hashes } = proof;
    return { leafIndex, treeSize, hashes: hashes.map((hash) => Buffer.from(hash).toString('hex')), bundle };
  });
}

export function summary(open: OpenLog, options: SummaryOptions): Promise<AuditSummary> {
  const { services } = open;
  const { principal, timeZone = 'UTC', top = TOP_SIZE.usual } = options;
  return runCall(open, { principal, scope: READ, what: 'auditSummary' }, async (context) => {
    const now = services.pipeline.now();
    const { start, end } = periodOf(options, now);
    const bucket = checkBucket(bucketOf(options.bucket, end - start), start, end);
    const bounds = boundsOf({ start, end, bucket }, readText(timeZone, 'timeZone'));
    const filters = [
      ...visibleTo(context.principal, readFilter(options.filter, services)),
      { startTime: start, endTime: end },
    ];
    const db = services.readerOf(context.principal);
    const most = readWholeNumber(0, TOP_SIZE.most, top, 'top');
    const counted = new Summary(db, filters, now, services.rollupScopes);
    services.metaAudit.read(context, { what: 'auditSummary' });
    const byType = await counted.byType();
    return {
      totalEvents: await counted.total(),
      period: { start, end },
      byType: byType.map(({ value: eventType, count }) => ({ eventType, count })),
      byOutcome: (await counted.byOutcome()).map(({ value: outcome, count }) => ({ outcome, count })),
      bySeverity: (await counted.bySeverity()).map(bySeverity),
      timeline: (await counted.timeline({ start, end, bucket, bounds })).map((point) => ({
        ...point,
        bySeverity: point.bySeverity.map(bySeverity),
      })),
      topUsers: most === 0 ? [] : await countBy(db, filters, 'userId', most),
      topIpAddresses: most === 0 ? [] : await countBy(db, filters, 'ipAddress', most),
      topResources: most === 0 ? [] : await countResources(db, filters, most),
    };
  });
}

function bySeverity<T>({ value: severity, count }: { value: T; count: number }) {
  return { severity, count };
}

function periodOf({ startTime, endTime }: SummaryOptions, now: number): { start: number; end: number } {
  const end = endTime === undefined ? now : timeOf(endTime, 'endTime');
  const start = startTime === undefined ? end - USUAL_PERIOD_MS : timeOf(startTime, 'startTime');
  if (start > end) throw badInput('startTime', 'must not be later than endTime');
  return { start, end };
}

function bucketOf(bucket: SummaryOptions['bucket'], lengthMs: number): TimeBucket {
  if (bucket === undefined) return lengthMs / TIME_BUCKETS.HOUR > MAX_TIMELINE_POINTS ? 'DAY' : 'HOUR';
  const name = typeof bucket === 'string' ? bucket.toUpperCase() : '';
  if (!(name in TIME_BUCKETS) || name.toLowerCase() !== bucket)
    throw badInput('bucket', 'must be minute, hour or day');
  return name as TimeBucket;
}

function orderOf(order: string): EventOrder {
  const found = EVENT_ORDERS.find((one) => one.toLowerCase() === order);
  if (found) return found;
  throw badInput('order', `must be one of ${EVENT_ORDERS.join(', ').toLowerCase()}`);
}

/** Throws BAD_USER_INPUT at `path` unless the value is a whole number within the bounds. */
export function readWholeNumber(least: number, most: number, value: unknown, path: string): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw badInput(path, `must be a whole number from ${least} to ${most}`);
}

/** Throws BAD_USER_INPUT at `path` unless the value is a text. */
export function readText(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw badInput(path, 'must be a text');
}

/** Exports events. The export starts when the stream is first read. */
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
    runCall(open, { principal, scope: 'events:export', what: 'auditExport' }, async (context) => {
      const filters = visibleTo(context.principal, condition);
      const end = await readSize(services.pool);
      await recordExport(open, context, { format: name, filters, end });
      const { keyId, generation, customerId } = context.principal;
      const rights = { keyId, generation, customerId, keyExpiresAt: undefined };
      const expiresAt = Number.POSITIVE_INFINITY;
      return services.openExport({ format: name, csv, filters, end, ...rights, expiresAt });
    });
  return Readable.from(exportPieces(begin), { objectMode: false, highWaterMark: 1 });
}

async function* exportPieces(begin: () => Promise<Readable>): AsyncGenerator<Buffer> {
  try {
    yield* await begin();
  } catch (error) {
    throw toAuditError(error);
  }
}

function recordExport(
  { services }: OpenLog,
  context: RequestContext,
  { format, filters, end }: { format: ExportFormat; filters: EventFilter[]; end: number },
): Promise<void> {
  const { expiresAt: _, ...details } = aboutExport({ format, filters, end, expiresAt: 0 });
  return services.metaAudit.exported(callerOf(context), {
    action: 'log.export',
    description: `the events were exported as ${format} to the program that opened the log`,
    details,
  });
}

/** Follows the feed. The start is fixed by the call: no event recorded after it is missed, whenever the loop starts. */
export function follow(open: OpenLog, options: FollowOptions): AsyncIterableIterator<AuditEvent> {
  const { principal, signal } = options;
  const call = { principal, scope: 'events:read', what: 'auditEvents' } as const;
  const now = open.services.feed.end;
  const subscribed = runCall(open, call, async (context) => {
    const subscription = await subscribe(open, context, { ...options, now });
    open.services.metaAudit.subscribed(context, { what: call.what });
    return subscription.readFrom(subscription.position);
  });
  // The iterator reports the error to its reader.
  subscribed.catch(() => undefined);
  return new FollowIterator(subscribed, signal);
}

function subscribe(
  { services }: OpenLog,
  { principal }: RequestContext,
  { filter, minSeverity, after, now }: FollowOptions & { now: number },
): Promise<Subscription> {
  const filters = visibleTo(principal, readFilter(filter, services));
  if (minSeverity !== undefined) filters.push({ minSeverity: readSeverity(minSeverity, 'minSeverity') });
  const reader = services.guardedReaderOf(principal);
  return services.feed.subscribe({ filters, start: startOf(after, now), reader });
}

function startOf(after: string | null | undefined, now: number): FeedStart {
  if (after == null) return now;
  return after === 'beginning' ? 'beginning' : parseCursor(readText(after, 'after'), 'after').position + 1;
}

/** Iterates over the events of a subscription until the loop is left, the signal is aborted or the log is closed. */
class FollowIterator implements AsyncIterableIterator<AuditEvent> {
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
      throw toAuditError(error);
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

/** The error of a call on a closed log. */
export function closedError(): AuditError {
  return new AuditError('UNAVAILABLE', 'this audit log is closed');
}
