import { MAX_PROBLEMS } from '../errors.ts';
import { CLIENT_FIELDS, CONTEXT_FIELDS, MAX_BATCH } from '../events/fields.ts';
import { authEvent, checkBatchSize, dataTypeOf, type EventInput, securityEvent } from '../events/validate.ts';
import { type PathedInput, type Recorded, recordEvents } from '../log/append/record.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { cost, listSize } from './cost.ts';
import { AuditEventRef, inputFields } from './event.ts';
import { boundInput } from './input-problems.ts';

/** The cost of recording an event, without the fields that are selected of it. */
const APPEND_COST = 20;

const LogStatusRef = builder.enumType('LogStatus', {
  description: 'The result of recording an event.',
  values: {
    RECORDED: { description: 'It is in the log: durable, searchable, counted, provable and on the feed.' },
    DUPLICATE: { description: 'Its idempotency key was used before: the first event is returned.' },
    FILTERED: { description: 'A filter of the deployment declined it: nothing was recorded.' },
  },
});
const LogEventPayloadRef = builder.objectRef<Recorded>('LogEventPayload').implement({
  description: 'The result of recording one event.',
  fields: (t) => ({
    status: t.field({
      type: LogStatusRef,
      description: 'Whether it was recorded.',
      resolve: (recorded) => recorded.status,
    }),
    event: t.field({
      type: AuditEventRef,
      nullable: true,
      description: 'The event as it is in the log; null when it was FILTERED, or removed since by retention.',
      resolve: (recorded) => recorded.event,
    }),
  }),
});
const LogEventsPayloadRef = builder.objectRef<Recorded[]>('LogEventsPayload').implement({
  description: 'The result of recording a batch.',
  fields: (t) => ({
    recorded: t.int({
      description: 'How many events were RECORDED.',
      resolve: (all) => countOf(all, 'RECORDED'),
    }),
    duplicates: t.int({
      description: 'How many events were a DUPLICATE.',
      resolve: (all) => countOf(all, 'DUPLICATE'),
    }),
    filtered: t.int({
      description: 'How many events were FILTERED.',
      resolve: (all) => countOf(all, 'FILTERED'),
    }),
    results: t.field({
      type: [LogEventPayloadRef],
      extensions: cost({ objects: (_, mutation) => listSize(mutation('input'), MAX_BATCH) }),
      description: 'The result of each event, in the order of the input.',
      resolve: (all) => all,
    }),
  }),
});

const LogEventInputRef = builder.inputType('LogEventInput', {
  description: 'An event to record. A value that cannot be stored unchanged is refused with its path.',
  fields: (t) => inputFields(t, CLIENT_FIELDS),
});
const LogAuthEventInputRef = builder.inputType('LogAuthEventInput', {
  description: 'An authentication event (auth.*). Its action is the dotted type name.',
  fields: (t) => ({
    ...inputFields(t, [...CONTEXT_FIELDS, 'eventType']),
    success: t.boolean({ defaultValue: true, description: 'False: FAILURE with severity WARNING.' }),
  }),
});
const DataActionRef = builder.enumType('DataAction', {
  description: 'What was done with data.',
  values: {
    READ: { description: 'It was read: DATA_READ.' },
    CREATE: { description: 'It was created: DATA_CREATE.' },
    UPDATE: { description: 'It was changed: DATA_UPDATE.' },
    DELETE: { description: 'It was deleted: DATA_DELETE.' },
    EXPORT: { description: 'It was exported: DATA_EXPORT.' },
    IMPORT: { description: 'It was imported: DATA_IMPORT.' },
  },
});
const LogDataEventInputRef = builder.inputType('LogDataEventInput', {
  description: 'An access to data (data.*).',
  fields: (t) => ({
    ...inputFields(t, [...CONTEXT_FIELDS, 'oldValues', 'newValues']),
    ...inputFields(t, ['resourceType', 'resourceId'], ['resourceType', 'resourceId']),
    action: t.field({
      type: DataActionRef,
      required: true,
      description: 'What was done with the data. The event type and the action follow from it.',
    }),
  }),
});
const LogSecurityEventInputRef = builder.inputType('LogSecurityEventInput', {
  description: 'A security event (security.*). Its action is the dotted type name.',
  fields: (t) => ({
    ...inputFields(t, [...CONTEXT_FIELDS, 'eventType', 'outcome']),
    ...inputFields(t, ['severity', 'description'], ['severity', 'description']),
  }),
});

const write = { scope: 'events:write' } as const;

builder.mutationFields((t) => ({
  logEvent: t.field({
    type: LogEventPayloadRef,
    extensions: cost({ own: APPEND_COST }),
    description: 'Records an event.',
    authScopes: write,
    args: { input: t.arg({ type: LogEventInputRef, required: true, description: 'The event.' }) },
    resolve: (_, { input }, context) => recordOne(context, input),
  }),
  logEvents: t.field({
    type: LogEventsPayloadRef,
    extensions: cost({ own: (args) => APPEND_COST * listSize(args('input'), MAX_BATCH) }),
    description: `Records 1 to ${MAX_BATCH} events, all or none, in the given order. A refused batch gets an error with a path for every problem, ${MAX_PROBLEMS} at most.`,
    authScopes: write,
    args: {
      input: t.arg({
        type: [LogEventInputRef],
        required: true,
        description: `The events, 1 to ${MAX_BATCH}, in the order of the log.`,
      }),
    },
    resolve: (_, { input }, context) => {
      checkBatchSize(input);
      const inputs = input.map((one, index) => ({ input: one, path: `input[${index}]` }));
      return record(context, inputs);
    },
  }),
  logAuthEvent: t.field({
    type: LogEventPayloadRef,
    extensions: cost({ own: APPEND_COST }),
    description: 'Records an authentication event (auth.*).',
    authScopes: write,
    args: { input: t.arg({ type: LogAuthEventInputRef, required: true, description: 'The event.' }) },
    resolve: (_, { input: { success, ...input } }, context) =>
      recordOne(context, authEvent(input, success !== false, 'input')),
  }),
  logDataEvent: t.field({
    type: LogEventPayloadRef,
    extensions: cost({ own: APPEND_COST }),
    description: 'Records an access to data (data.*).',
    authScopes: write,
    args: { input: t.arg({ type: LogDataEventInputRef, required: true, description: 'The event.' }) },
    resolve: (_, { input: { action, ...input } }, context) =>
      recordOne(context, { ...input, ...dataTypeOf(action.toLowerCase()) }),
  }),
  logSecurityEvent: t.field({
    type: LogEventPayloadRef,
    extensions: cost({ own: APPEND_COST }),
    description: 'Records a security event (security.*).',
    authScopes: write,
    args: { input: t.arg({ type: LogSecurityEventInputRef, required: true, description: 'The event.' }) },
    resolve: (_, { input }, context) => recordOne(context, securityEvent(input, 'input')),
  }),
}));

async function recordOne(context: Context, input: EventInput): Promise<Recorded> {
  const [recorded] = await record(context, [{ input, path: 'input' }]);
  return recorded as Recorded;
}

function record({ services, principal }: Context, inputs: PathedInput[]): Promise<Recorded[]> {
  const bound = inputs.map(({ input, path }) => boundInput(principal, input, path));
  return recordEvents(services.pipeline, bound);
}

function countOf(all: Recorded[], status: Recorded['status']): number {
  return all.filter((recorded) => recorded.status === status).length;
}
