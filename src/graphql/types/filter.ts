import { builder } from '../builder.ts';
import { EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';

export const AuditEventFilterRef = builder.inputType('AuditEventFilter', {
  description:
    'Every condition that is given must hold; null is none. An empty list matches nothing, an empty text those events ' +
    'whose value is empty.',
  fields: (t) => ({
    eventTypes: t.field({ type: [EventTypeRef], description: 'One of these types.' }),
    categories: t.stringList({
      description: 'One of these categories: the part of a type before the dot, such as "auth" or "data".',
    }),
    outcomes: t.field({ type: [OutcomeRef], description: 'One of these outcomes.' }),
    severities: t.field({ type: [SeverityRef], description: 'One of these severities.' }),
    minSeverity: t.field({ type: SeverityRef, description: 'This severity or a higher one.' }),
    userId: t.string({ description: 'The user, exactly.' }),
    customerId: t.string({ description: 'The customer, exactly.' }),
    sessionId: t.string({ description: 'The session, exactly.' }),
    requestId: t.string({ description: 'The request, exactly.' }),
    ipAddress: t.string({
      description:
        'An address or a CIDR block, in any spelling. An IPv4-mapped address (::ffff:192.0.2.1) is its IPv4 address; ' +
        'otherwise IPv4 and IPv6 never match each other.',
    }),
    resourceType: t.string({ description: 'The kind of resource, exactly.' }),
    resourceId: t.string({ description: 'The resource, exactly.' }),
    action: t.string({ description: 'The action, exactly.' }),
    startTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive; not later than endTime.' }),
    endTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive.' }),
    search: t.string({
      description:
        'Terms between blanks, each of which must be found in action, description, ids, resource, user agent, or the ' +
        'names and values of oldValues and newValues. A term of several words ("10.0.0.1", "anna@bert.example") and ' +
        '"words in quotes" match in their order, side by side; exam* matches the beginning of a word (three characters ' +
        'or more); -word leaves out the events that the term finds. Case makes no difference. Scripts without blanks ' +
        'are found by parts. A text without letters and digits, or with terms to leave out alone, is refused.',
    }),
    details: t.field({
      type: 'JSONObject',
      description: 'Containment: every given key and value is present. An empty object is in every event.',
    }),
    oldValues: t.field({
      type: 'JSONObject',
      description:
        'Containment, likewise; an event without oldValues never matches. It has no index: give a period or search too.',
    }),
    newValues: t.field({
      type: 'JSONObject',
      description:
        'Containment, likewise; an event without newValues never matches. It has no index: give a period or search too.',
    }),
  }),
});
