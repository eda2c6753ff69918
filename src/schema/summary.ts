import { type Reader, visibleTo } from '../auth/gate.ts';
import { badInput } from '../errors.ts';
import type { Outcome, Severity } from '../events/catalog.ts';
import { checkFilter, type EventFilter } from '../events/filter.ts';
import { type OffsetAt, offsetsOf } from '../events/time.ts';
import {
  type Count,
  countBy,
  countResources,
  MAX_TIMELINE_POINTS,
  type ResourceCount,
  TIME_BUCKETS,
  type TimeBucket,
  type Timeline,
  type TimelinePoint,
  TOP_SIZE,
  USUAL_PERIOD_MS,
} from '../log/summary/group-by.ts';
import { areOfUtc, localBounds } from '../log/summary/local-buckets.ts';
import { Summary } from '../log/summary/summary.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { type Arguments, COUNT_COST, cost, countWithin } from './cost.ts';
import { EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';
import { AuditEventFilterRef } from './filter.ts';

const UTC = 'UTC';

/** The cost of counting the most frequent values: a GROUP BY when the rollups cannot answer. */
const TOP_COST = 5_000;
const TOP = cost({
  own: TOP_COST,
  objects: (args) => countWithin(args('first'), TOP_SIZE),
});

interface PeriodSummary {
  summary: Summary;
  filters: EventFilter[];
  start: number;
  end: number;
}

/** Counts the matching events by value. Returns the first `limit` values, highest count first. */
type CountTop = (db: Reader, filters: EventFilter[], limit: number) => Promise<Count[]>;

const count = (counted: Count) => counted.count;
const COUNT = 'How many events; exact.';

const TypeCountRef = builder.objectRef<Count>('TypeCount').implement({
  description: 'How many events are of a type.',
  fields: (t) => ({
    eventType: t.field({ type: EventTypeRef, description: 'The type.', resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', description: COUNT, resolve: count }),
  }),
});
const OutcomeCountRef = builder.objectRef<Count<Outcome>>('OutcomeCount').implement({
  description: 'How many events ended in an outcome.',
  fields: (t) => ({
    outcome: t.field({ type: OutcomeRef, description: 'The outcome.', resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', description: COUNT, resolve: count }),
  }),
});
const SeverityCountRef = builder.objectRef<Count<Severity>>('SeverityCount').implement({
  description: 'How many events are of a severity.',
  fields: (t) => ({
    severity: t.field({ type: SeverityRef, description: 'The severity.', resolve: ({ value }) => value }),
    count: t.field({ type: 'SafeInt', description: COUNT, resolve: count }),
  }),
});
const ValueCountRef = builder.objectRef<Count & Partial<ResourceCount>>('ValueCount').implement({
  description: 'How many events have a value.',
  fields: (t) => ({
    value: t.exposeString('value', {
      description: 'The value; of a resource its type and id, as "type/id".',
    }),
    count: t.field({ type: 'SafeInt', description: COUNT, resolve: count }),
    resourceType: t.string({
      nullable: true,
      description: 'Of topResources: the kind of resource.',
      resolve: ({ resourceType }) => resourceType,
    }),
    resourceId: t.string({
      nullable: true,
      description: 'Of topResources: the resource.',
      resolve: ({ resourceId }) => resourceId,
    }),
  }),
});
const TimeBucketRef = builder.enumType('TimeBucket', {
  description: 'The length of a point of a timeline.',
  values: {
    MINUTE: { description: 'A minute.' },
    HOUR: { description: 'An hour.' },
    DAY: { description: 'A day, from midnight of the time zone.' },
  },
});
const TimelinePointRef = builder.objectRef<TimelinePoint>('TimelinePoint').implement({
  description: 'The events of one point of a timeline.',
  fields: (t) => ({
    start: t.field({
      type: 'DateTime',
      description: 'When the point begins.',
      resolve: (point) => point.start,
    }),
    count: t.field({ type: 'SafeInt', description: COUNT, resolve: (point) => point.count }),
    bySeverity: t.field({
      extensions: cost({ objects: () => 5 }),
      type: [SeverityCountRef],
      description: 'By severity.',
      resolve: (point) => point.bySeverity,
    }),
  }),
});
const SummaryPeriodRef = builder.objectRef<PeriodSummary>('SummaryPeriod').implement({
  description: 'A period of time.',
  fields: (t) => ({
    start: t.field({
      type: 'DateTime',
      description: 'Its beginning, inclusive.',
      resolve: ({ start }) => start,
    }),
    end: t.field({ type: 'DateTime', description: 'Its end, inclusive.', resolve: ({ end }) => end }),
  }),
});

const AuditSummaryRef = builder.objectRef<PeriodSummary>('AuditSummary').implement({
  description: 'Exact counts of the events of a period, by their timestamp.',
  fields: (t) => ({
    totalEvents: t.field({
      type: 'SafeInt',
      extensions: cost({ own: COUNT_COST }),
      description: 'How many events match; exact, whatever their number.',
      resolve: ({ summary }) => summary.total(),
    }),
    period: t.field({
      type: SummaryPeriodRef,
      description: 'The period that was counted.',
      resolve: (summary) => summary,
    }),
    byType: t.field({
      extensions: cost({ own: COUNT_COST, objects: () => 40 }),
      type: [TypeCountRef],
      description: 'By type, highest count first; types without events are left out.',
      resolve: ({ summary }) => summary.byType(),
    }),
    byOutcome: t.field({
      extensions: cost({ own: COUNT_COST, objects: () => 4 }),
      description: 'By outcome, highest count first; outcomes without events are left out.',
      type: [OutcomeCountRef],
      resolve: ({ summary }) => summary.byOutcome(),
    }),
    bySeverity: t.field({
      extensions: cost({ own: COUNT_COST, objects: () => 5 }),
      description: 'By severity, highest count first; severities without events are left out.',
      type: [SeverityCountRef],
      resolve: ({ summary }) => summary.bySeverity(),
    }),
    timeline: t.field({
      extensions: cost({ own: TOP_COST, objects: pointsOf }),
      type: [TimelinePointRef],
      description: `Counts over time, oldest first, empty points included; ${MAX_TIMELINE_POINTS} points at most.`,
      args: {
        bucket: t.arg({ type: TimeBucketRef, defaultValue: 'HOUR', description: 'The length of a point.' }),
        timeZone: t.arg.string({
          defaultValue: UTC,
          description:
            'An IANA time zone such as Europe/Berlin: days begin at its midnight and have 23 or 25 hours when its clocks change; hours are counted from there.',
        }),
      },
      resolve: ({ summary, start, end }, args) => {
        const bucket = checkBucket(args.bucket ?? 'HOUR', start, end);
        const bounds = boundsOf({ start, end, bucket }, args.timeZone ?? UTC);
        return summary.timeline({ start, end, bucket, bounds });
      },
    }),
    topUsers: t.field({
      extensions: TOP,
      type: [ValueCountRef],
      description: 'The users with the most events, highest count first.',
      args: {
        first: t.arg.int({
          defaultValue: TOP_SIZE.usual,
          description: `How many, ${TOP_SIZE.most} at most.`,
        }),
      },
      resolve: topOf((db, filters, limit) => countBy(db, filters, 'userId', limit)),
    }),
    topIpAddresses: t.field({
      extensions: TOP,
      type: [ValueCountRef],
      description: 'The addresses with the most events, highest count first.',
      args: {
        first: t.arg.int({
          defaultValue: TOP_SIZE.usual,
          description: `How many, ${TOP_SIZE.most} at most.`,
        }),
      },
      resolve: topOf((db, filters, limit) => countBy(db, filters, 'ipAddress', limit)),
    }),
    topResources: t.field({
      extensions: TOP,
      type: [ValueCountRef],
      description:
        'The resources with the most events, highest count first, each a pair of resourceType and resourceId.',
      args: {
        first: t.arg.int({
          defaultValue: TOP_SIZE.usual,
          description: `How many, ${TOP_SIZE.most} at most.`,
        }),
      },
      resolve: topOf(countResources),
    }),
  }),
});

builder.queryField('auditSummary', (t) =>
  t.field({
    type: AuditSummaryRef,
    description: 'Counts of the events from startTime to endTime, both inclusive; the last day by default.',
    authScopes: { scope: 'events:read' },
    args: {
      startTime: t.arg({
        type: 'DateTime',
        description: 'The start of the period, inclusive; absent: a day before endTime.',
      }),
      endTime: t.arg({ type: 'DateTime', description: 'The end of the period, inclusive; absent: now.' }),
      filter: t.arg({ type: AuditEventFilterRef, description: 'Selects events; absent: all.' }),
    },
    resolve: (_, { startTime, endTime, filter }, { principal, services }) => {
      const now = services.pipeline.now();
      const end = endTime ?? now;
      const start = startTime ?? end - USUAL_PERIOD_MS;
      if (start > end) throw badInput('startTime', 'must not be later than endTime');
      const filters = [
        ...visibleTo(principal, checkFilter(filter, services.pipeline.redaction)),
        { startTime: start, endTime: end },
      ];
      const summary = new Summary(services.readerOf(principal), filters, now, services.rollupScopes);
      return { summary, filters, start, end };
    },
  }),
);

function topOf(countTop: CountTop) {
  return (
    { filters }: PeriodSummary,
    { first }: { first?: number | null | undefined },
    { principal, services }: Context,
  ) => {
    const limit = first ?? TOP_SIZE.usual;
    if (limit < 1 || limit > TOP_SIZE.most) throw badInput('first', `must be from 1 to ${TOP_SIZE.most}`);
    return countTop(services.readerOf(principal), filters, limit);
  };
}

export function checkBucket(bucket: TimeBucket, start: number, end: number): TimeBucket {
  if ((end - start) / TIME_BUCKETS[bucket] > MAX_TIMELINE_POINTS) {
    throw badInput('bucket', `would give more than ${MAX_TIMELINE_POINTS} points for this period`);
  }
  return bucket;
}

// Returns undefined when the points are those of UTC.
export function boundsOf(period: Timeline, timeZone: string): number[] | undefined {
  if (timeZone === UTC) return undefined;
  const bounds = localBounds(period, offsetsIn(timeZone));
  return areOfUtc(bounds, period.bucket) ? undefined : bounds;
}

function offsetsIn(timeZone: string): OffsetAt {
  try {
    return offsetsOf(timeZone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badInput('timeZone', 'must be an IANA time zone such as Europe/Berlin');
  }
}

// Estimated from the client's period, which is not checked yet.
function pointsOf(timeline: Arguments, summary: Arguments): number {
  const bucket = TIME_BUCKETS[timeline('bucket') as TimeBucket] ?? TIME_BUCKETS.HOUR;
  const end = timeOf(summary('endTime')) ?? Date.now();
  const start = timeOf(summary('startTime')) ?? end - USUAL_PERIOD_MS;
  return Math.max(0, Math.min(Math.ceil((end - start) / bucket) + 1, MAX_TIMELINE_POINTS));
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
