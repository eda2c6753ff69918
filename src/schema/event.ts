import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  Kind,
  type SelectionNode,
} from 'graphql';
import { visibleTo } from '../auth/gate.ts';
import {
  EVENT_TYPE_DESCRIPTIONS,
  EVENT_TYPES,
  enumName,
  OUTCOME_DESCRIPTIONS,
  OUTCOMES,
  SEVERITIES,
  SEVERITY_DESCRIPTIONS,
} from '../events/catalog.ts';
import { type AuditEvent, FIELD_DESCRIPTIONS } from '../events/fields.ts';
import { readEvents } from '../log/read/events.ts';
import { isEventField } from '../log/read/row.ts';
import { builder, ID } from './builder.ts';
import { cost, QUERY_COST } from './cost.ts';

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
  loadManyWithoutCache: (ids, { principal, services }) =>
    readEvents(services.readerOf(principal), ids, visibleTo(principal)),
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
    resolve: async (_, { id }, { principal, services }, info) => {
      const reader = services.readerOf(principal);
      const [event] = await readEvents(reader, [id], visibleTo(principal), eventFieldsAsked(info));
      return event;
    },
  }),
);

// Kept by the places of the field, which an operation that is executed again has again.
const known = new WeakMap<readonly FieldNode[], { asked: ReadonlySet<string> | undefined }>();

/**
 * The fields of events that an operation asks for beneath a field, and perhaps more of them; what is not among them
 * nobody will look at. Undefined: all, as something is asked for that is made from an event, such as a proof.
 */
export function eventFieldsAsked(info: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const found = known.get(info.fieldNodes) ?? { asked: find(info) };
  known.set(info.fieldNodes, found);
  return found.asked;
}

function find({ schema, fieldNodes, fragments }: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const fields = (schema.getType('AuditEvent') as GraphQLObjectType).getFields();
  const asked = [...namesBeneath(fieldNodes, fragments)].filter((name) => Object.hasOwn(fields, name));
  return asked.every(isEventField) ? new Set(asked) : undefined;
}

// Of fields at whatever depth and of whatever type.
function namesBeneath(nodes: readonly FieldNode[], fragments: GraphQLResolveInfo['fragments']): Set<string> {
  const names = new Set<string>();
  const spread = new Set<string>();

  function add(selection: SelectionNode): void {
    if (selection.kind === Kind.FIELD) names.add(selection.name.value);
    if (selection.kind !== Kind.FRAGMENT_SPREAD) {
      selection.selectionSet?.selections.forEach(add);
    } else if (!spread.has(selection.name.value)) {
      spread.add(selection.name.value);
      fragments[selection.name.value]?.selectionSet.selections.forEach(add);
    }
  }

  for (const { selectionSet } of nodes) selectionSet?.selections.forEach(add);
  return names;
}
