import { badInput } from '../errors.ts';
import { parseBlock } from '../events/address.ts';
import { MAX_FILTER_VALUES } from '../events/bounds.ts';
import type { Outcome, Severity } from '../events/catalog.ts';
import { EQUAL_FIELDS, type EventFilter, OBJECT_FIELDS } from '../events/filter.ts';
import { checkJsonObject, checkText } from '../events/json.ts';
import type { Redaction } from '../events/redact/redact.ts';
import { parseSearch } from '../events/search.ts';

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
