import { visibleTo } from '../../access/viewer.ts';
import { FIELD_DESCRIPTIONS } from '../../events/bounds.ts';
import { EVENT_TYPES, enumName, OUTCOMES, SEVERITIES } from '../../events/catalog.ts';
import {
  EVENT_TYPE_DESCRIPTIONS,
  OUTCOME_DESCRIPTIONS,
  SEVERITY_DESCRIPTIONS,
} from '../../events/descriptions.ts';
import type { AuditEvent } from '../../events/event.ts';
import { readEvents } from '../../log/read.ts';
import { builder, ID } from '../builder.ts';
import { cost, QUERY_COST } from '../cost.ts';
import { eventFieldsAsked } from '../fields-asked.ts';

/** A JSON value, beside a plain field. */
const JSON_COST = 5;

function enumValues<const T extends string>(
  values: readonly T[],
  descriptions: Record<T, string>,
): Record<string, { value: T; description: string }> {
  return Object.fromEntries(
    values.map((value) => [enumName(value), { value, description: descriptions[value] }]),
  );
}

export const EventTypeRef = builder.enumType('AuditEventType', {
  description: 'What happened. Stored, exported and matched by its dotted name, such as "auth.login_failed".',
  values: enumValues<string>(EVENT_TYPES, EVENT_TYPE_DESCRIPTIONS),
});
export const OutcomeRef = builder.enumType('AuditOutcome', {
  description: 'How it ended.',
  values: enumValues(OUTCOMES, OUTCOME_DESCRIPTIONS),
});
export const SeverityRef = builder.enumType('AuditSeverity', {
  description: 'How much it matters, in rising order.',
  values: enumValues(SEVERITIES, SEVERITY_DESCRIPTIONS),
});

export const AuditEventRef = builder.node(builder.objectRef<AuditEvent>('AuditEvent'), {
  description: 'An event of the log: who did what to which resource, from where and how it ended.',
  id: { resolve: (event) => event.id, description: ID },
  loadManyWithoutCache: (ids, { viewer, services }) =>
    readEvents(services.readerOf(viewer), ids, visibleTo(viewer)),
  fields: (t) => ({
    position: t.field({
      type: 'SafeInt',
      description: '0-based, gap-free, in commit order: the leaf index.',
      resolve: (event) => event.position,
    }),
    timestamp: t.field({
      type: 'DateTime',
      description: 'When it happened: what the application said, else the time of receipt.',
      resolve: (event) => event.timestamp,
    }),
    recordedAt: t.field({
      type: 'DateTime',
      description: 'When the service received it, by the clock of the service.',
      resolve: (event) => event.recordedAt,
    }),
    eventType: t.field({
      type: EventTypeRef,
      description: FIELD_DESCRIPTIONS.eventType,
      resolve: (event) => event.eventType,
    }),
    outcome: t.field({
      type: OutcomeRef,
      description: FIELD_DESCRIPTIONS.outcome,
      resolve: (event) => event.outcome,
    }),
    severity: t.field({
      type: SeverityRef,
      description: FIELD_DESCRIPTIONS.severity,
      resolve: (event) => event.severity,
    }),
    userId: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.userId,
      resolve: (event) => event.userId,
    }),
    customerId: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.customerId,
      resolve: (event) => event.customerId,
    }),
    sessionId: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.sessionId,
      resolve: (event) => event.sessionId,
    }),
    ipAddress: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.ipAddress,
      resolve: (event) => event.ipAddress,
    }),
    userAgent: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.userAgent,
      resolve: (event) => event.userAgent,
    }),
    requestId: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.requestId,
      resolve: (event) => event.requestId,
    }),
    resourceType: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.resourceType,
      resolve: (event) => event.resourceType,
    }),
    resourceId: t.string({
      nullable: true,
      description: FIELD_DESCRIPTIONS.resourceId,
      resolve: (event) => event.resourceId,
    }),
    action: t.exposeString('action', { description: FIELD_DESCRIPTIONS.action }),
    description: t.exposeString('description', { description: FIELD_DESCRIPTIONS.description }),
    details: t.field({
      extensions: cost({ own: JSON_COST }),
      type: 'JSONObject',
      description: FIELD_DESCRIPTIONS.details,
      resolve: (event) => event.details,
    }),
    oldValues: t.field({
      extensions: cost({ own: JSON_COST }),
      type: 'JSONObject',
      nullable: true,
      description: FIELD_DESCRIPTIONS.oldValues,
      resolve: (event) => event.oldValues,
    }),
    newValues: t.field({
      extensions: cost({ own: JSON_COST }),
      type: 'JSONObject',
      nullable: true,
      description: FIELD_DESCRIPTIONS.newValues,
      resolve: (event) => event.newValues,
    }),
    leafHash: t.string({
      description: 'Lower-case hex of SHA-256(0x00 || canonical bytes).',
      resolve: (event) => event.leafHash.toString('hex'),
    }),
  }),
});

builder.queryField('auditEvent', (t) =>
  t.field({
    type: AuditEventRef,
    description: 'The event with this id; null when there is none that the key may see.',
    nullable: true,
    authScopes: { scope: 'events:read' },
    extensions: cost({ own: QUERY_COST }),
    args: { id: t.arg.id({ required: true, description: 'The id of an event.' }) },
    resolve: async (_, { id }, { viewer, services }, info) => {
      const reader = services.readerOf(viewer);
      const [event] = await readEvents(reader, [id], visibleTo(viewer), eventFieldsAsked(info));
      return event;
    },
  }),
);
