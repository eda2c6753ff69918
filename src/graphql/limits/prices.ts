import { TIME_BUCKETS, type TimeBucket } from '../../log/summary/group-by.ts';

/** The value of an argument of a field by its name, as the client gave it: unchecked; undefined when absent. */
export type Arguments = (name: string) => unknown;

/**
 * What a field costs, in points: one is a plain field of an event, about a microsecond. Fields without a price cost one
 * point, and lists without one count as ten objects.
 */
export interface Price {
  /** The field itself, once: a statement of SQL, or a large value. */
  own?: number | ((args: Arguments) => number);
  /** How many objects it holds: each costs what is selected of it. Gets the arguments of the field it stands in too. */
  objects?: (args: Arguments, parent: Arguments) => number;
}

const PAGE = { usual: 100, most: 1_000 };
const TOP = { usual: 10, most: 1_000 };
const BATCH = 1_000;
const POINTS = 10_000;
const DAY_MS = 86_400_000;

const QUERY = 500;
const COUNT = 2_000;
const TOP_COUNT = 5_000;
// Cheaper than it is: a page of 1,000 events with a proof of each has to be possible.
const PROOF = 50;
const APPEND = 20;
const JSON_VALUE = 5;

const top: Price = { own: TOP_COUNT, objects: (args) => wholeNumber(args('first'), TOP) };
const counted = (values: number): Price => ({ own: COUNT, objects: () => values });
const about = (objects: number): Price => ({ objects: () => objects });

/** The prices, by type and field. */
export const PRICES: Readonly<Record<string, Price>> = {
  'Query.auditEvents': { own: QUERY },
  'Query.auditEvent': { own: QUERY },
  'Query.node': { own: QUERY },
  'Query.checkpoint': { own: QUERY },
  'Query.consistencyProof': { own: QUERY },
  'Query.apiKeys': { own: QUERY, objects: () => 100 },
  'Query.auditExport': { own: QUERY },

  'AuditEventConnection.edges': {
    objects: (_, page) => wholeNumber(page('first') ?? page('last'), PAGE),
  },
  'AuditEventConnection.totalCount': { own: COUNT },
  'AuditEvent.details': { own: JSON_VALUE },
  'AuditEvent.oldValues': { own: JSON_VALUE },
  'AuditEvent.newValues': { own: JSON_VALUE },
  'AuditEvent.inclusionProof': { own: PROOF },
  'AuditEvent.proofBundle': { own: PROOF },

  'AuditSummary.totalEvents': { own: COUNT },
  'AuditSummary.byType': counted(40),
  'AuditSummary.byOutcome': counted(4),
  'AuditSummary.bySeverity': counted(5),
  'AuditSummary.timeline': { own: TOP_COUNT, objects: pointsOf },
  'TimelinePoint.bySeverity': about(5),
  'AuditSummary.topUsers': top,
  'AuditSummary.topIpAddresses': top,
  'AuditSummary.topResources': top,

  'Mutation.logEvent': { own: APPEND },
  'Mutation.logAuthEvent': { own: APPEND },
  'Mutation.logDataEvent': { own: APPEND },
  'Mutation.logSecurityEvent': { own: APPEND },
  'Mutation.logEvents': { own: (args) => APPEND * sizeOfBatch(args) },
  'LogEventsPayload.results': { objects: (_, mutation) => sizeOfBatch(mutation) },
  'Mutation.createApiKey': { own: QUERY },
  'Mutation.revokeApiKey': { own: QUERY },
  'Mutation.purgeEvents': { own: 10 * COUNT },

  'Subscription.auditEvents': { own: QUERY },
  'Subscription.securityAlerts': { own: QUERY },

  // On the average of the types of this schema.
  '__Schema.types': about(60),
  '__Schema.directives': about(6),
  '__Directive.args': about(1),
  '__Type.fields': about(3),
  '__Type.inputFields': about(2),
  '__Type.enumValues': about(2),
  '__Type.interfaces': about(0.1),
  '__Type.possibleTypes': about(0.1),
  '__Field.args': about(0.5),
};

// More than the most is refused by the resolver, before it has cost anything.
function wholeNumber(value: unknown, { usual, most }: { usual: number; most: number }): number {
  return typeof value === 'number' ? Math.max(0, Math.min(value, most)) : usual;
}

function sizeOfBatch(mutation: Arguments): number {
  const input = mutation('input');
  return Array.isArray(input) ? Math.min(input.length, BATCH) : 1;
}

function pointsOf(timeline: Arguments, summary: Arguments): number {
  const bucket = TIME_BUCKETS[timeline('bucket') as TimeBucket] ?? TIME_BUCKETS.HOUR;
  const end = timeOf(summary('endTime')) ?? Date.now();
  const start = timeOf(summary('startTime')) ?? end - DAY_MS;
  return Math.max(0, Math.min(Math.ceil((end - start) / bucket) + 1, POINTS));
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
