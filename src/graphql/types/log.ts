import { boundTo } from '../../access/viewer.ts';
import { badInput } from '../../errors.ts';
import { MAX_BATCH } from '../../events/bounds.ts';
import type { EventInput } from '../../events/input.ts';
import { type PathedInput, type Recorded, recordEvents } from '../../pipeline/record.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { AuditEventRef, EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';

const LogStatusRef = builder.enumType('LogStatus', {
  description: 'FILTERED: a configured filter declined the event.',
  values: ['RECORDED', 'DUPLICATE', 'FILTERED'] as const,
});
const LogEventPayloadRef = builder.objectRef<Recorded>('LogEventPayload').implement({
  fields: (t) => ({
    status: t.field({ type: LogStatusRef, resolve: (recorded) => recorded.status }),
    event: t.field({ type: AuditEventRef, nullable: true, resolve: (recorded) => recorded.event }),
  }),
});
const LogEventsPayloadRef = builder.objectRef<Recorded[]>('LogEventsPayload').implement({
  fields: (t) => ({
    recorded: t.int({ resolve: (all) => countOf(all, 'RECORDED') }),
    duplicates: t.int({ resolve: (all) => countOf(all, 'DUPLICATE') }),
    filtered: t.int({ resolve: (all) => countOf(all, 'FILTERED') }),
    results: t.field({ type: [LogEventPayloadRef], resolve: (all) => all }),
  }),
});

const LogEventInputRef = builder.inputType('LogEventInput', {
  fields: (t) => ({
    idempotencyKey: t.string({
      description:
        'The same key again returns the first event; with other content it is an error (CONFLICT).',
    }),
    timestamp: t.field({ type: 'DateTime', description: 'When it happened; absent: the time of receipt.' }),
    eventType: t.field({ type: EventTypeRef, required: true }),
    outcome: t.field({ type: OutcomeRef, defaultValue: 'success' }),
    severity: t.field({ type: SeverityRef, defaultValue: 'info' }),
    userId: t.string(),
    customerId: t.string(),
    sessionId: t.string(),
    ipAddress: t.string(),
    userAgent: t.string(),
    requestId: t.string(),
    resourceType: t.string(),
    resourceId: t.string(),
    action: t.string({ description: 'Absent: the dotted type name.' }),
    description: t.string(),
    details: t.field({ type: 'JSONObject' }),
    oldValues: t.field({ type: 'JSONObject' }),
    newValues: t.field({ type: 'JSONObject' }),
  }),
});
const LogAuthEventInputRef = builder.inputType('LogAuthEventInput', {
  description: 'An authentication event (auth.*). Its action is the dotted type name.',
  fields: (t) => ({
    idempotencyKey: t.string(),
    eventType: t.field({ type: EventTypeRef, required: true }),
    success: t.boolean({ defaultValue: true, description: 'False: FAILURE with severity WARNING.' }),
    userId: t.string(),
    customerId: t.string(),
    sessionId: t.string(),
    ipAddress: t.string(),
    userAgent: t.string(),
    requestId: t.string(),
    details: t.field({ type: 'JSONObject' }),
  }),
});
const DataActionRef = builder.enumType('DataAction', {
  values: ['READ', 'CREATE', 'UPDATE', 'DELETE', 'EXPORT', 'IMPORT'] as const,
});
const LogDataEventInputRef = builder.inputType('LogDataEventInput', {
  description: 'An access to data (data.*).',
  fields: (t) => ({
    idempotencyKey: t.string(),
    action: t.field({ type: DataActionRef, required: true }),
    resourceType: t.string({ required: true }),
    resourceId: t.string({ required: true }),
    userId: t.string(),
    customerId: t.string(),
    sessionId: t.string(),
    ipAddress: t.string(),
    userAgent: t.string(),
    requestId: t.string(),
    oldValues: t.field({ type: 'JSONObject' }),
    newValues: t.field({ type: 'JSONObject' }),
    details: t.field({ type: 'JSONObject' }),
  }),
});
const LogSecurityEventInputRef = builder.inputType('LogSecurityEventInput', {
  description: 'A security event (security.*). Its action is the dotted type name.',
  fields: (t) => ({
    idempotencyKey: t.string(),
    eventType: t.field({ type: EventTypeRef, required: true }),
    severity: t.field({ type: SeverityRef, required: true }),
    description: t.string({ required: true }),
    outcome: t.field({ type: OutcomeRef, defaultValue: 'success' }),
    userId: t.string(),
    customerId: t.string(),
    sessionId: t.string(),
    ipAddress: t.string(),
    userAgent: t.string(),
    requestId: t.string(),
    details: t.field({ type: 'JSONObject' }),
  }),
});

const write = { scope: 'events:write' } as const;

builder.mutationFields((t) => ({
  logEvent: t.field({
    type: LogEventPayloadRef,
    authScopes: write,
    args: { input: t.arg({ type: LogEventInputRef, required: true }) },
    resolve: (_, { input }, context) => recordOne(context, input),
  }),
  logEvents: t.field({
    type: LogEventsPayloadRef,
    description: `Records 1 to ${MAX_BATCH} events, all or none, in the order given.`,
    authScopes: write,
    args: { input: t.arg({ type: [LogEventInputRef], required: true }) },
    resolve: (_, { input }, context) => {
      if (input.length < 1 || input.length > MAX_BATCH)
        throw badInput('input', `must hold 1 to ${MAX_BATCH} events`);
      const inputs = input.map((one, index) => ({ input: one, path: `input[${index}]` }));
      return record(context, inputs);
    },
  }),
  logAuthEvent: t.field({
    type: LogEventPayloadRef,
    authScopes: write,
    args: { input: t.arg({ type: LogAuthEventInputRef, required: true }) },
    resolve: (_, { input: { success, ...input } }, context) => {
      requireCategory(input.eventType, 'auth');
      const ending = success === false ? failed : succeeded;
      return recordOne(context, { ...input, ...ending, action: input.eventType });
    },
  }),
  logDataEvent: t.field({
    type: LogEventPayloadRef,
    authScopes: write,
    args: { input: t.arg({ type: LogDataEventInputRef, required: true }) },
    resolve: (_, { input }, context) => {
      const eventType = `data.${input.action.toLowerCase()}`;
      return recordOne(context, { ...input, eventType, action: eventType });
    },
  }),
  logSecurityEvent: t.field({
    type: LogEventPayloadRef,
    authScopes: write,
    args: { input: t.arg({ type: LogSecurityEventInputRef, required: true }) },
    resolve: (_, { input }, context) => {
      requireCategory(input.eventType, 'security');
      return recordOne(context, { ...input, action: input.eventType });
    },
  }),
}));

const succeeded = { outcome: 'success', severity: 'info' } as const;
const failed = { outcome: 'failure', severity: 'warning' } as const;

function requireCategory(eventType: string, category: string): void {
  if (!eventType.startsWith(`${category}.`)) {
    throw badInput('input.eventType', `must be one of the ${category}.* types`);
  }
}

async function recordOne(context: Context, input: EventInput): Promise<Recorded> {
  const [recorded] = await record(context, [{ input, path: 'input' }]);
  return recorded as Recorded;
}

function record({ services, viewer }: Context, inputs: PathedInput[]): Promise<Recorded[]> {
  const bound = inputs.map(({ input, path }) => ({ input: boundTo(viewer, input, path), path }));
  return recordEvents(services.pipeline, bound);
}

function countOf(all: Recorded[], status: Recorded['status']): number {
  return all.filter((recorded) => recorded.status === status).length;
}
