import { builder } from '../builder.ts';
import { EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';

export const AuditEventFilterRef = builder.inputType('AuditEventFilter', {
  description: 'Every condition that is given must hold.',
  fields: (t) => ({
    eventTypes: t.field({ type: [EventTypeRef] }),
    categories: t.stringList({ description: 'The part of a type before the dot: "auth", "data", ...' }),
    outcomes: t.field({ type: [OutcomeRef] }),
    severities: t.field({ type: [SeverityRef] }),
    minSeverity: t.field({ type: SeverityRef }),
    userId: t.string(),
    customerId: t.string(),
    sessionId: t.string(),
    requestId: t.string(),
    ipAddress: t.string({ description: 'An address or a CIDR block.' }),
    resourceType: t.string(),
    resourceId: t.string(),
    action: t.string(),
    startTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive.' }),
    endTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive.' }),
    search: t.string({
      description: 'Words in action, description, ids and resource; every word must match.',
    }),
    details: t.field({
      type: 'JSONObject',
      description: 'Containment: every given key and value is present.',
    }),
  }),
});
