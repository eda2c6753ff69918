import { visibleTo } from '../../access/viewer.ts';
import { EVENT_TYPES, enumName, OUTCOMES, SEVERITIES } from '../../events/catalog.ts';
import type { AuditEvent } from '../../events/event.ts';
import { readEvent } from '../../log/read.ts';
import { builder } from '../builder.ts';

function enumValues<const T extends string>(values: readonly T[]): Record<string, { value: T }> {
  return Object.fromEntries(values.map((value) => [enumName(value), { value }]));
}

export const EventTypeRef = builder.enumType('AuditEventType', {
  description: 'What happened. Stored, exported and matched by its dotted name, such as "auth.login_failed".',
  values: enumValues<string>(EVENT_TYPES),
});
export const OutcomeRef = builder.enumType('AuditOutcome', {
  description: 'How it ended.',
  values: enumValues(OUTCOMES),
});
export const SeverityRef = builder.enumType('AuditSeverity', {
  description: 'How much it matters, in rising order.',
  values: enumValues(SEVERITIES),
});

export const NodeRef = builder.interfaceRef<AuditEvent>('Node').implement({
  description: 'An object that has an id of its own.',
  fields: (t) => ({ id: t.exposeID('id') }),
  resolveType: () => 'AuditEvent',
});

export const AuditEventRef = builder.objectRef<AuditEvent>('AuditEvent').implement({
  description: 'An event of the log: who did what to which resource, from where and how it ended.',
  interfaces: [NodeRef],
  fields: (t) => ({
    position: t.field({
      type: 'SafeInt',
      description: '0-based, gap-free, in commit order: the leaf index.',
      resolve: (event) => event.position,
    }),
    timestamp: t.field({
      type: 'DateTime',
      description: 'When it happened.',
      resolve: (event) => event.timestamp,
    }),
    recordedAt: t.field({
      type: 'DateTime',
      description: 'When the service received it.',
      resolve: (event) => event.recordedAt,
    }),
    eventType: t.field({ type: EventTypeRef, resolve: (event) => event.eventType }),
    outcome: t.field({ type: OutcomeRef, resolve: (event) => event.outcome }),
    severity: t.field({ type: SeverityRef, resolve: (event) => event.severity }),
    userId: t.string({ nullable: true, resolve: (event) => event.userId }),
    customerId: t.string({
      nullable: true,
      description: 'The tenant.',
      resolve: (event) => event.customerId,
    }),
    sessionId: t.string({ nullable: true, resolve: (event) => event.sessionId }),
    ipAddress: t.string({ nullable: true, resolve: (event) => event.ipAddress }),
    userAgent: t.string({ nullable: true, resolve: (event) => event.userAgent }),
    requestId: t.string({ nullable: true, resolve: (event) => event.requestId }),
    resourceType: t.string({ nullable: true, resolve: (event) => event.resourceType }),
    resourceId: t.string({ nullable: true, resolve: (event) => event.resourceId }),
    action: t.exposeString('action'),
    description: t.exposeString('description'),
    details: t.field({ type: 'JSONObject', resolve: (event) => event.details }),
    oldValues: t.field({ type: 'JSONObject', nullable: true, resolve: (event) => event.oldValues }),
    newValues: t.field({ type: 'JSONObject', nullable: true, resolve: (event) => event.newValues }),
    leafHash: t.string({
      description: 'Lower-case hex of SHA-256(0x00 || canonical bytes).',
      resolve: (event) => event.leafHash.toString('hex'),
    }),
  }),
});

builder.queryFields((t) => ({
  node: t.field({
    type: NodeRef,
    nullable: true,
    authScopes: { scope: 'events:read' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, { viewer, services }) => readEvent(services.readerOf(viewer), id, visibleTo(viewer)),
  }),
  auditEvent: t.field({
    type: AuditEventRef,
    nullable: true,
    authScopes: { scope: 'events:read' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, { viewer, services }) => readEvent(services.readerOf(viewer), id, visibleTo(viewer)),
  }),
}));
