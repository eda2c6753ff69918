import { visibleTo } from '../../access/viewer.ts';
import { badInput } from '../../errors.ts';
import type { Outcome, Severity } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import {
  type Count,
  countBy,
  type Dimension,
  TIME_BUCKETS,
  type TimeBucket,
  type TimelinePoint,
} from '../../log/summary/group-by.ts';
import { Summary } from '../../log/summary/summary.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { checkFilter } from '../filter-input.ts';
import { EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';
import { AuditEventFilterRef } from './filter.ts';

const DAY_MS = 86_400_000;
const MAX_POINTS = 10_000;
const MAX_TOP = 1_000;

interface PeriodSummary {
  summary: Summary;
  filters: EventFilter[];
  start: number;
  end: number;
}

const count = (counted: Count) => counted.count;

const TypeCountRef = builder.objectRef<Count>('TypeCount').implement({
  fields: (t) => ({
    eventType: t.field({ type: EventTypeRef, resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', resolve: count }),
  }),
});
const OutcomeCountRef = builder.objectRef<Count<Outcome>>('OutcomeCount').implement({
  fields: (t) => ({
    outcome: t.field({ type: OutcomeRef, resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', resolve: count }),
  }),
});
const SeverityCountRef = builder.objectRef<Count<Severity>>('SeverityCount').implement({
  fields: (t) => ({
    severity: t.field({ type: SeverityRef, resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', resolve: count }),
  }),
});
const ValueCountRef = builder.objectRef<Count>('ValueCount').implement({
  fields: (t) => ({
    value: t.exposeString('value'),
    count: t.field({ type: 'SafeInt', resolve: count }),
  }),
});
const TimeBucketRef = builder.enumType('TimeBucket', { values: ['MINUTE', 'HOUR', 'DAY'] as const });
const TimelinePointRef = builder.objectRef<TimelinePoint>('TimelinePoint').implement({
  fields: (t) => ({
    start: t.field({ type: 'DateTime', resolve: (point) => point.start }),
    count: t.field({ type: 'SafeInt', resolve: (point) => point.count }),
    bySeverity: t.field({ type: [SeverityCountRef], resolve: (point) => point.bySeverity }),
  }),
});
const SummaryPeriodRef = builder.objectRef<PeriodSummary>('SummaryPeriod').implement({
  fields: (t) => ({
    start: t.field({ type: 'DateTime', resolve: ({ start }) => start }),
    end: t.field({ type: 'DateTime', resolve: ({ end }) => end }),
  }),
});

const AuditSummaryRef = builder.objectRef<PeriodSummary>('AuditSummary').implement({
  description: 'Exact counts of the events of a period, by their timestamp.',
  fields: (t) => ({
    totalEvents: t.field({
      type: 'SafeInt',
      resolve: ({ summary }) => summary.total(),
    }),
    period: t.field({ type: SummaryPeriodRef, resolve: (summary) => summary }),
    byType: t.field({ type: [TypeCountRef], resolve: ({ summary }) => summary.byType() }),
    byOutcome: t.field({
      type: [OutcomeCountRef],
      resolve: ({ summary }) => summary.byOutcome(),
    }),
    bySeverity: t.field({
      type: [SeverityCountRef],
      resolve: ({ summary }) => summary.bySeverity(),
    }),
    timeline: t.field({
      type: [TimelinePointRef],
      description: `Empty buckets included; ${MAX_POINTS} at most.`,
      args: { bucket: t.arg({ type: TimeBucketRef, defaultValue: 'HOUR' }) },
      resolve: ({ summary, start, end }, { bucket }) =>
        summary.timeline({ start, end, bucket: checkBucket(bucket ?? 'HOUR', start, end) }),
    }),
    topUsers: t.field({
      type: [ValueCountRef],
      args: { first: t.arg.int({ defaultValue: 10 }) },
      resolve: topOf('userId'),
    }),
    topIpAddresses: t.field({
      type: [ValueCountRef],
      args: { first: t.arg.int({ defaultValue: 10 }) },
      resolve: topOf('ipAddress'),
    }),
    topResources: t.field({
      type: [ValueCountRef],
      description: 'As "type/id".',
      args: { first: t.arg.int({ defaultValue: 10 }) },
      resolve: topOf('resource'),
    }),
  }),
});

builder.queryField('auditSummary', (t) =>
  t.field({
    type: AuditSummaryRef,
    description: 'Counts of the events from startTime to endTime, both inclusive; the last day by default.',
    authScopes: { scope: 'events:read' },
    args: {
      startTime: t.arg({ type: 'DateTime' }),
      endTime: t.arg({ type: 'DateTime' }),
      filter: t.arg({ type: AuditEventFilterRef }),
    },
    resolve: (_, { startTime, endTime, filter }, { viewer, services }) => {
      const now = services.pipeline.now();
      const end = endTime ?? now;
      const start = startTime ?? end - DAY_MS;
      if (start > end) throw badInput('startTime', 'must not be later than endTime');
      const filters = [
        ...visibleTo(viewer, checkFilter(filter, services.pipeline.redaction)),
        { startTime: start, endTime: end },
      ];
      return { summary: new Summary(services.readerOf(viewer), filters, now), filters, start, end };
    },
  }),
);

function topOf(dimension: Dimension) {
  return (
    { filters }: PeriodSummary,
    { first }: { first?: number | null | undefined },
    { viewer, services }: Context,
  ) => {
    const limit = first ?? 10;
    if (limit < 1 || limit > MAX_TOP) throw badInput('first', `must be from 1 to ${MAX_TOP}`);
    return countBy(services.readerOf(viewer), filters, dimension, limit);
  };
}

function checkBucket(bucket: TimeBucket, start: number, end: number): TimeBucket {
  if ((end - start) / TIME_BUCKETS[bucket] > MAX_POINTS) {
    throw badInput('bucket', `would give more than ${MAX_POINTS} points for this period`);
  }
  return bucket;
}
