import type { FieldRef, InputFieldRef } from '@pothos/core';
import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  Kind as NodeKind,
  type SelectionNode,
} from 'graphql';
import { visibleTo } from '../auth/gate.ts';
import {
  EVENT_TYPE_DESCRIPTIONS,
  EVENT_TYPES,
  enumName,
  OUTCOME_DESCRIPTIONS,
  OUTCOMES,
  type Outcome,
  SEVERITIES,
  SEVERITY_DESCRIPTIONS,
  type Severity,
} from '../events/catalog.ts';
import {
  type AuditEvent,
  type ClientField,
  EVENT_FIELDS,
  type Field,
  inputDescriptionOf,
  isAlways,
  type JsonObject,
  type Kind,
  mapFields,
  STORED_FIELDS,
  type StoredField,
  traitsOf,
} from '../events/fields.ts';
import type { EventInput } from '../events/validate.ts';
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

/** The fields of an event in the API: its id is that of a node, and the salt is for exports and proofs. */
const SHOWN_FIELDS = STORED_FIELDS.filter((name) => name !== 'id' && name !== 'salt');

type Types = typeof builder.$inferSchemaTypes;
type OutputBuilder = PothosSchemaTypes.ObjectFieldBuilder<Types, AuditEvent>;
type OutputFieldOf = (t: OutputBuilder, name: StoredField) => FieldRef<Types, unknown>;

/** How a field of each kind is answered. */
const OUTPUTS: Record<Kind, OutputFieldOf> = {
  text: textOutput,
  address: textOutput,
  id: textOutput,
  salt: textOutput,
  hash: (t, name) =>
    t.string({ ...outputOf(name), resolve: (event) => (event[name] as Buffer).toString('hex') }),
  object: (t, name) =>
    t.field({
      ...outputOf(name),
      type: 'JSONObject',
      extensions: cost({ own: JSON_COST }),
      resolve: (event) => event[name] as JsonObject,
    }),
  time: (t, name) =>
    t.field({ ...outputOf(name), type: 'DateTime', resolve: (event) => event[name] as number }),
  position: (t, name) =>
    t.field({ ...outputOf(name), type: 'SafeInt', resolve: (event) => event[name] as number }),
  eventType: (t, name) =>
    t.field({ ...outputOf(name), type: EventTypeRef, resolve: (event) => event[name] as string }),
  outcome: (t, name) =>
    t.field({ ...outputOf(name), type: OutcomeRef, resolve: (event) => event[name] as Outcome }),
  severity: (t, name) =>
    t.field({ ...outputOf(name), type: SeverityRef, resolve: (event) => event[name] as Severity }),
};

function textOutput(t: OutputBuilder, name: StoredField) {
  return t.string({ ...outputOf(name), resolve: (event) => event[name] as string });
}

function outputOf(name: StoredField) {
  const { description }: Field = EVENT_FIELDS[name];
  return { description, nullable: !isAlways(name) };
}

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;
type InputFieldOf = (t: InputBuilder, options: { description: string; required: boolean }) => unknown;

/** How a client gives a field of each kind. */
const INPUTS: Record<(typeof EVENT_FIELDS)[ClientField]['kind'], InputFieldOf> = {
  text: (t, options) => t.string(options),
  address: (t, options) => t.string(options),
  object: (t, options) => t.field({ ...options, type: 'JSONObject' }),
  time: (t, options) => t.field({ ...options, type: 'DateTime' }),
  eventType: (t, options) => t.field({ ...options, type: EventTypeRef }),
  outcome: (t, options) =>
    t.field({ ...options, type: OutcomeRef, ...defaultOf(EVENT_FIELDS.outcome, options) }),
  severity: (t, options) =>
    t.field({ ...options, type: SeverityRef, ...defaultOf(EVENT_FIELDS.severity, options) }),
};

function defaultOf<Value>({ defaultValue }: { defaultValue: Value }, { required }: { required: boolean }) {
  return required ? {} : { defaultValue };
}

/** The input fields of these fields of an event; those in `required` must be given. */
export function inputFields<Name extends ClientField, Required extends Name = never>(
  t: InputBuilder,
  names: readonly Name[],
  required: readonly Required[] = [],
) {
  const isRequired = (name: Name) =>
    (required as readonly Name[]).includes(name) || traitsOf(name).includes('required');
  return mapFields(names, (name) =>
    INPUTS[EVENT_FIELDS[name].kind](t, { description: inputDescriptionOf(name), required: isRequired(name) }),
  ) as {
    [N in Name]: InputFieldRef<Types, N extends Required ? NonNullable<EventInput[N]> : EventInput[N]>;
  };
}

export const AuditEventRef = builder.node(builder.objectRef<AuditEvent>('AuditEvent'), {
  description: 'An event of the log: who did what to which resource, from where and how it ended.',
  id: { resolve: (event) => event.id, description: ID },
  loadManyWithoutCache: (ids, { principal, services }) =>
    readEvents(services.readerOf(principal), ids, visibleTo(principal)),
  fields: (t) => mapFields(SHOWN_FIELDS, (name) => OUTPUTS[EVENT_FIELDS[name].kind](t, name)),
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

// By the node of the field, which is the same when a cached document is executed again; the list of nodes is a new one.
const known = new WeakMap<FieldNode, { asked: ReadonlySet<string> | undefined }>();

/**
 * The fields of events that an operation selects beneath a field, or more. No resolver reads a field outside of them.
 * Undefined: all, since the operation selects something that is computed from the whole event, such as a proof.
 */
export function eventFieldsAsked(info: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const [node, ...others] = info.fieldNodes;
  // A field that is written more than once: which of its nodes are executed may depend on variables.
  if (node === undefined || others.length > 0) return find(info);
  const found = known.get(node) ?? { asked: find(info) };
  known.set(node, found);
  return found.asked;
}

function find({ schema, fieldNodes, fragments }: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const fields = (schema.getType('AuditEvent') as GraphQLObjectType).getFields();
  const asked = [...namesBeneath(fieldNodes, fragments)].filter((name) => Object.hasOwn(fields, name));
  return asked.every(isEventField) ? new Set(asked) : undefined;
}

// The names of fields at any depth and of any type.
function namesBeneath(nodes: readonly FieldNode[], fragments: GraphQLResolveInfo['fragments']): Set<string> {
  const names = new Set<string>();
  const spread = new Set<string>();

  function add(selection: SelectionNode): void {
    if (selection.kind === NodeKind.FIELD) names.add(selection.name.value);
    if (selection.kind !== NodeKind.FRAGMENT_SPREAD) {
      selection.selectionSet?.selections.forEach(add);
    } else if (!spread.has(selection.name.value)) {
      spread.add(selection.name.value);
      fragments[selection.name.value]?.selectionSet.selections.forEach(add);
    }
  }

  for (const { selectionSet } of nodes) selectionSet?.selections.forEach(add);
  return names;
}
