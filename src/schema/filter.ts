import { badInput } from '../errors.ts';
import { parseBlock } from '../events/address.ts';
import type { Outcome, Severity } from '../events/catalog.ts';
import { MAX_FILTER_VALUES } from '../events/fields.ts';
import { EQUAL_FIELDS, type EventFilter, OBJECT_FIELDS } from '../events/filter.ts';
import { checkJsonObject, checkText } from '../events/json.ts';
import type { Redaction } from '../events/redact/redact.ts';
import { parseSearch } from '../events/search.ts';
import { builder } from './builder.ts';
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

const MAX_LIST = 100;
const MAX_TEXT = 2_000;
const CATEGORY = /^[a-z][a-z0-9_]{0,63}$/;

/** A filter as it arrives. */
export interface FilterInput {
  eventTypes?: string[] | null | undefined;
  categories?: string[] | null | undefined;
  outcomes?: Outcome[] | null | undefined;
  severities?: Severity[] | null | undefined;
  minSeverity?: Severity | null | undefined;
  userId?: string | null | undefined;
  customerId?: string | null | undefined;
  sessionId?: string | null | undefined;
  requestId?: string | null | undefined;
  ipAddress?: string | null | undefined;
  resourceType?: string | null | undefined;
  resourceId?: string | null | undefined;
  action?: string | null | undefined;
  startTime?: number | null | undefined;
  endTime?: number | null | undefined;
  search?: string | null | undefined;
  details?: unknown;
  oldValues?: unknown;
  newValues?: unknown;
}

/**
 * Checks a filter and puts hashes in it where events have them. Null and absent mean no condition; every other value is
 * one, or is refused: an empty list holds no event's value, an empty text is that of events with an empty one. Throws
 * BAD_USER_INPUT with the field's path.
 */
export function checkFilter(input: FilterInput | null | undefined, redaction: Redaction): EventFilter {
  return redaction.filter(checkInput(input, 'filter'));
}

function checkInput(input: FilterInput | null | undefined, path: string): EventFilter {
  const filter: EventFilter = {};
  if (!input) return filter;
  for (const field of ['eventTypes', 'categories', 'outcomes', 'severities'] as const) {
    if ((input[field]?.length ?? 0) > MAX_LIST)
      throw badInput(`${path}.${field}`, `holds more than ${MAX_LIST} values`);
  }
  if (input.eventTypes) filter.eventTypes = input.eventTypes;
  if (input.categories) filter.categories = checkCategories(input.categories, `${path}.categories`);
  if (input.outcomes) filter.outcomes = input.outcomes;
  if (input.severities) filter.severities = input.severities;
  if (input.minSeverity) filter.minSeverity = input.minSeverity;
  for (const field of EQUAL_FIELDS) {
    const text = input[field];
    if (text != null) filter[field] = checkFilterText(text, `${path}.${field}`);
  }
  if (input.ipAddress != null) filter.ipBlock = checkBlock(input.ipAddress, `${path}.ipAddress`);
  if (input.startTime != null) filter.startTime = input.startTime;
  if (input.endTime != null) filter.endTime = input.endTime;
  if (filter.startTime !== undefined && filter.endTime !== undefined && filter.startTime > filter.endTime)
    throw badInput(`${path}.startTime`, 'must not be later than endTime');
  if (input.search != null)
    filter.search = parseSearch(checkFilterText(input.search, `${path}.search`), `${path}.search`);
  for (const field of OBJECT_FIELDS) {
    const object = input[field];
    if (object != null)
      filter[field] = checkJsonObject(object, `${path}.${field}`, { maxValues: MAX_FILTER_VALUES });
  }
  return filter;
}

function checkCategories(categories: string[], path: string): string[] {
  const wrong = categories.findIndex((category) => !CATEGORY.test(category));
  if (wrong >= 0)
    throw badInput(`${path}[${wrong}]`, 'must be the part of a type before the dot, such as "auth"');
  return categories;
}

function checkFilterText(text: string, path: string): string {
  checkText(text, path);
  if (text.length > MAX_TEXT) throw badInput(path, `is longer than ${MAX_TEXT} characters`);
  return text;
}

function checkBlock(text: string, path: string) {
  const block = parseBlock(text);
  if (!block) throw badInput(path, 'must be an IP address or a CIDR block');
  return block;
}
