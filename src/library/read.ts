import { visibleTo } from '../access/viewer.ts';
import { AuditError, badInput } from '../errors.ts';
import { PAGE } from '../graphql/builder.ts';
import { treeViewOf } from '../graphql/proof-loaders.ts';
import { MAX_OFFSET } from '../graphql/types/connection.ts';
import { boundsOf, checkBucket, DAY_MS, MAX_POINTS, MAX_TOP } from '../graphql/types/summary.ts';
import { parseCursor } from '../log/cursor.ts';
import { EVENT_ORDERS, type EventOrder } from '../log/keyset.ts';
import { listEvents } from '../log/list.ts';
import { readEvents } from '../log/read.ts';
import { countBy, countResources, TIME_BUCKETS, type TimeBucket } from '../log/summary/group-by.ts';
import { Summary } from '../log/summary/summary.ts';
import { AuditEvent } from './audit-event.ts';
import type {
  AuditSummary,
  CallOptions,
  Proof,
  QueryOptions,
  QueryResult,
  SummaryOptions,
} from './audit-log.ts';
import { called } from './calls.ts';
import { type AuditFilter, readFilter } from './filters.ts';
import { timeOf } from './inputs.ts';
import type { OpenLog } from './open.ts';

const READ = 'events:read';

export function query(
  open: OpenLog,
  filter: AuditFilter | undefined,
  { principal, limit = PAGE.usual, offset, order = 'timestamp_desc', after }: QueryOptions,
): Promise<QueryResult> {
  const { services } = open;
  return called(open, { principal, scope: READ, what: 'auditEvents' }, async (asker) => {
    if (offset !== undefined && after != null)
      throw badInput('offset', 'cannot be given together with after');
    const page = await listEvents(services.readerOf(asker.viewer), {
      filters: visibleTo(asker.viewer, readFilter(filter, services)),
      order: orderOf(order),
      limit: wholeFrom(0, PAGE.most, limit, 'limit'),
      isBackward: false,
      after: after == null ? undefined : parseCursor(textOf(after, 'after'), 'after'),
      offset: offset === undefined ? undefined : wholeFrom(0, MAX_OFFSET, offset, 'offset'),
    });
    const events = page.events.map(AuditEvent.of);
    services.metaAudit.read(asker, { what: 'auditEvents', events: events.length });
    return { events, hasNextPage: page.hasNextPage, endCursor: events.at(-1)?.cursor ?? null };
  });
}

export function get(open: OpenLog, id: string, { principal }: CallOptions): Promise<AuditEvent | undefined> {
  const { services } = open;
  return called(open, { principal, scope: READ, what: 'auditEvent' }, async (asker) => {
    const { viewer } = asker;
    const [event] = await readEvents(services.readerOf(viewer), [textOf(id, 'id')], visibleTo(viewer));
    services.metaAudit.read(asker, { what: 'auditEvent', events: event ? 1 : 0 });
    return event ? AuditEvent.of(event) : undefined;
  });
}

export function prove(open: OpenLog, id: string, { principal }: CallOptions): Promise<Proof> {
  const { services } = open;
  return called(open, { principal, scope: READ, what: 'auditEvent' }, async (asker) => {
    const { viewer } = asker;
    const [event] = await readEvents(services.readerOf(viewer), [textOf(id, 'id')], visibleTo(viewer));
    if (!event) throw new AuditError('NOT_FOUND', 'there is no event of this id', 'id');
    services.metaAudit.read(asker, { what: 'auditEvent', events: 1 });
    const view = treeViewOf({ viewer, services });
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
  const { principal, timeZone = 'UTC', top = 10 } = options;
  return called(open, { principal, scope: READ, what: 'auditSummary' }, async (asker) => {
    const now = services.pipeline.now();
    const { start, end } = periodOf(options, now);
    const bucket = checkBucket(bucketOf(options.bucket, end - start), start, end);
    const bounds = boundsOf({ start, end, bucket }, textOf(timeZone, 'timeZone'));
    const filters = [
      ...visibleTo(asker.viewer, readFilter(options.filter, services)),
      { startTime: start, endTime: end },
    ];
    const db = services.readerOf(asker.viewer);
    const most = wholeFrom(0, MAX_TOP, top, 'top');
    const counted = new Summary(db, filters, now);
    services.metaAudit.read(asker, { what: 'auditSummary' });
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
  const start = startTime === undefined ? end - DAY_MS : timeOf(startTime, 'startTime');
  if (start > end) throw badInput('startTime', 'must not be later than endTime');
  return { start, end };
}

function bucketOf(bucket: SummaryOptions['bucket'], lengthMs: number): TimeBucket {
  if (bucket === undefined) return lengthMs / TIME_BUCKETS.HOUR > MAX_POINTS ? 'DAY' : 'HOUR';
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
export function wholeFrom(least: number, most: number, value: unknown, path: string): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw badInput(path, `must be a whole number from ${least} to ${most}`);
}

/** Throws BAD_USER_INPUT at `path` unless the value is a text. */
export function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw badInput(path, 'must be a text');
}
