import { FOREIGN } from './world.ts';

/** What an argument is. */
export type ArgumentKind =
  /** It names a thing of somebody: a test gives another customer's. */
  | 'reference'
  /** It says how much, in which order or in which form: nobody's thing. */
  | 'plain'
  /** It is what a new event or key is to be. */
  | 'content'
  /** Only an admin's, who sees all. */
  | 'admin';

/** Every argument of every field, and the members of what is written that could be another customer's. */
export const ARGUMENTS: Record<string, ArgumentKind> = {
  'Query.node.id': 'reference',
  'Query.nodes.ids': 'reference',
  'Query.auditEvent.id': 'reference',
  'Query.auditEvents.after': 'reference',
  'Query.auditEvents.before': 'reference',
  'Query.auditEvents.filter': 'reference',
  'Query.auditEvents.first': 'plain',
  'Query.auditEvents.last': 'plain',
  'Query.auditEvents.offset': 'plain',
  'Query.auditEvents.orderBy': 'plain',
  'Query.auditSummary.startTime': 'plain',
  'Query.auditSummary.endTime': 'plain',
  'Query.auditSummary.filter': 'reference',
  'Query.auditExport.format': 'plain',
  'Query.auditExport.delimiter': 'plain',
  'Query.auditExport.byteOrderMark': 'plain',
  'Query.auditExport.filter': 'reference',
  'Query.checkpoint.treeSize': 'reference',
  'Query.checkpoint.minWitnesses': 'plain',
  'Query.checkpoint.customerId': 'reference',
  'Query.consistencyProof.from': 'reference',
  'Query.consistencyProof.to': 'reference',
  'Query.consistencyProof.customerId': 'reference',
  'AuditEvent.inclusionProof.treeSize': 'reference',
  'AuditEvent.proofBundle.minWitnesses': 'plain',
  'AuditSummary.timeline.bucket': 'plain',
  'AuditSummary.timeline.timeZone': 'plain',
  'AuditSummary.topUsers.first': 'plain',
  'AuditSummary.topIpAddresses.first': 'plain',
  'AuditSummary.topResources.first': 'plain',
  'Mutation.createApiKey.name': 'admin',
  'Mutation.createApiKey.scopes': 'admin',
  'Mutation.createApiKey.customerId': 'admin',
  'Mutation.createApiKey.expiresAt': 'admin',
  'Mutation.revokeApiKey.id': 'reference',
  'Mutation.purgeEvents.olderThanDays': 'admin',
  'Mutation.logEvent.input': 'content',
  'Mutation.logEvents.input': 'content',
  'Mutation.logAuthEvent.input': 'content',
  'Mutation.logDataEvent.input': 'content',
  'Mutation.logSecurityEvent.input': 'content',
  'LogEventInput.idempotencyKey': 'reference',
  'LogEventInput.customerId': 'reference',
  'LogAuthEventInput.idempotencyKey': 'reference',
  'LogAuthEventInput.customerId': 'reference',
  'LogDataEventInput.idempotencyKey': 'reference',
  'LogDataEventInput.customerId': 'reference',
  'LogSecurityEventInput.idempotencyKey': 'reference',
  'LogSecurityEventInput.customerId': 'reference',
  'Subscription.auditEvents.after': 'reference',
  'Subscription.auditEvents.filter': 'reference',
  'Subscription.securityAlerts.after': 'reference',
  'Subscription.securityAlerts.filter': 'reference',
  'Subscription.securityAlerts.minSeverity': 'plain',
};

/** A value of a filter's field that fits globex's events alone, one that fits nobody's, and an event that it fits. */
export interface FilterCase {
  foreign: unknown;
  random: unknown;
  fitting: (value: never) => object;
}

const text = (field: keyof typeof FOREIGN, random = `nobody-${field}`): FilterCase => ({
  foreign: FOREIGN[field],
  random,
  fitting: (value: never) => ({ [field]: value }),
});

/** Every field of AuditEventFilter. */
export const FILTERS: Record<string, FilterCase> = {
  userId: text('userId'),
  sessionId: text('sessionId'),
  requestId: text('requestId'),
  ipAddress: text('ipAddress', '203.0.113.77'),
  resourceType: text('resourceType'),
  resourceId: text('resourceId'),
  action: text('action'),
  search: {
    foreign: FOREIGN.description,
    random: 'nobodyword',
    fitting: (description) => ({ description }),
  },
  details: {
    foreign: FOREIGN.details,
    random: { nobodykey: 'nobodyvalue' },
    fitting: (details) => ({ details }),
  },
  oldValues: {
    foreign: FOREIGN.oldValues,
    random: { nobodykey: 'nobodyvalue' },
    fitting: (oldValues) => ({ oldValues }),
  },
  newValues: {
    foreign: FOREIGN.newValues,
    random: { nobodykey: 'nobodyvalue' },
    fitting: (newValues) => ({ newValues }),
  },
  customerId: { foreign: 'globex', random: 'nobody', fitting: () => ({}) },
  eventTypes: {
    foreign: [FOREIGN.eventType],
    random: ['CONFIG_CHANGED'],
    fitting: ([eventType]: [string]) => ({ eventType }),
  },
  categories: {
    foreign: ['settings'],
    random: ['config'],
    fitting: ([category]: [string]) => ({
      eventType: category === 'settings' ? 'SETTINGS_UPDATED' : 'CONFIG_CHANGED',
    }),
  },
  outcomes: {
    foreign: [FOREIGN.outcome],
    random: ['ERROR'],
    fitting: ([outcome]: [string]) => ({ outcome }),
  },
  severities: {
    foreign: [FOREIGN.severity],
    random: ['ERROR'],
    fitting: ([severity]: [string]) => ({ severity }),
  },
  minSeverity: { foreign: FOREIGN.severity, random: 'ERROR', fitting: (severity) => ({ severity }) },
  startTime: {
    foreign: '2026-03-01T00:04:00.000Z',
    random: '2026-03-01T00:03:30.000Z',
    fitting: (timestamp) => ({ timestamp }),
  },
  endTime: {
    foreign: '2026-03-01T00:00:00.000Z',
    random: '2026-02-28T23:59:30.000Z',
    fitting: (timestamp) => ({ timestamp }),
  },
} as Record<string, FilterCase>;
