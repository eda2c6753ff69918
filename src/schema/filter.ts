import { EQUALITY_FIELDS, mapFields, SEARCHED_FIELDS } from '../events/fields.ts';
import { builder } from './builder.ts';
import { EventTypeRef, OutcomeRef, SeverityRef } from './event.ts';

export const AuditEventFilterRef = builder.inputType('AuditEventFilter', {
  description:
    'All given conditions must hold; null is no condition. An empty list matches no event. An empty text matches the events ' +
    'with an empty value.',
  fields: (t) => ({
    eventTypes: t.field({ type: [EventTypeRef], description: 'One of these types.' }),
    categories: t.stringList({
      description: 'One of these categories: the part of a type before the dot, such as "auth" or "data".',
    }),
    outcomes: t.field({ type: [OutcomeRef], description: 'One of these outcomes.' }),
    severities: t.field({ type: [SeverityRef], description: 'One of these severities.' }),
    minSeverity: t.field({ type: SeverityRef, description: 'This severity or a higher one.' }),
    ...mapFields(EQUALITY_FIELDS, (name) => t.string({ description: `This ${name}, exactly.` })),
    ipAddress: t.string({
      description:
        'An address or a CIDR block, in any spelling. An IPv4-mapped address (::ffff:192.0.2.1) is its IPv4 address; ' +
        'otherwise IPv4 and IPv6 never match each other.',
    }),
    startTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive; not later than endTime.' }),
    endTime: t.field({ type: 'DateTime', description: 'On timestamp, inclusive.' }),
    search: t.string({
      description:
        `Terms between blanks, each of which must be found in one of ${SEARCHED_FIELDS.join(', ')}; in an object, its names ` +
        'and values are searched. A term of several words ("10.0.0.1", "anna@bert.example") and ' +
        '"words in quotes" match in their order, side by side; exam* matches the beginning of a word (three characters ' +
        'or more); -word leaves out the events that the term finds. Case makes no difference. Scripts without blanks ' +
        'are found by parts. A text without letters and digits, or with terms to leave out alone, is refused.',
    }),
    details: t.field({
      type: 'JSONObject',
      description:
        'Containment: the event has every given key and value. An empty object matches every event.',
    }),
    oldValues: t.field({
      type: 'JSONObject',
      description:
        'Containment, as in details. An event without oldValues never matches. There is no index: add a period or search.',
    }),
    newValues: t.field({
      type: 'JSONObject',
      description:
        'Containment, as in details. An event without newValues never matches. There is no index: add a period or search.',
    }),
  }),
});
