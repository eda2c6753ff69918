import { badInput } from '../errors.ts';
import { type AddressBlock, isInBlock, parseBlock } from './address.ts';
import { categoryOf, type Outcome, SEVERITIES, type Severity } from './catalog.ts';
import {
  type AuditEvent,
  EQUALITY_FIELDS,
  type EqualityField,
  type JsonObject,
  type JsonValue,
  MAX_FILTER_VALUES,
  OBJECT_FIELDS,
  type ObjectField,
} from './fields.ts';
import { checkJsonObject, checkText } from './json.ts';
import { isFound, parseSearch, type SearchCondition } from './search.ts';

/** Which events are wanted: every given condition must hold. Checked: blocks and search texts are parsed. */
export type EventFilter = {
  eventTypes?: string[];
  categories?: string[];
  outcomes?: Outcome[];
  severities?: Severity[];
  minSeverity?: Severity;
  ipBlock?: AddressBlock;
  /** Milliseconds since 1970 on `timestamp`, both inclusive. */
  startTime?: number;
  endTime?: number;
  search?: SearchCondition;
} & { [N in EqualityField]?: string } & { [N in ObjectField]?: JsonObject };

const MAX_LIST = 100;
const MAX_TEXT = 2_000;
const CATEGORY = /^[a-z][a-z0-9_]{0,63}$/;

/** A filter as it arrives. */
export type FilterInput = {
  eventTypes?: string[] | null | undefined;
  categories?: string[] | null | undefined;
  outcomes?: Outcome[] | null | undefined;
  severities?: Severity[] | null | undefined;
  minSeverity?: Severity | null | undefined;
  ipAddress?: string | null | undefined;
  startTime?: number | null | undefined;
  endTime?: number | null | undefined;
  search?: string | null | undefined;
} & { [N in EqualityField]?: string | null | undefined } & { [N in ObjectField]?: unknown };

/**
 * Checks a filter and puts hashes in it where events have them. Null and absent mean no condition; every other value is
 * one, or is refused: an empty list holds no event's value, an empty text is that of events with an empty one. Throws
 * BAD_USER_INPUT with the field's path.
 */
export function checkFilter(
  input: FilterInput | null | undefined,
  redaction: { filter(filter: EventFilter): EventFilter },
): EventFilter {
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
  for (const field of EQUALITY_FIELDS) {
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

/** Whether the event matches; agrees with the SQL of `log/read/filter-sql.ts` on every event. */
export function matches(event: AuditEvent, filter: EventFilter): boolean {
  if (filter.eventTypes && !filter.eventTypes.includes(event.eventType)) return false;
  if (filter.categories && !filter.categories.includes(categoryOf(event.eventType))) return false;
  if (filter.outcomes && !filter.outcomes.includes(event.outcome)) return false;
  if (filter.severities && !filter.severities.includes(event.severity)) return false;
  if (filter.minSeverity && SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(filter.minSeverity))
    return false;
  if (EQUALITY_FIELDS.some((field) => filter[field] !== undefined && event[field] !== filter[field]))
    return false;
  if (filter.startTime !== undefined && event.timestamp < filter.startTime) return false;
  if (filter.endTime !== undefined && event.timestamp > filter.endTime) return false;
  if (filter.ipBlock && !(event.ipAddress && isInBlock(event.ipAddress, filter.ipBlock))) return false;
  if (filter.search && !isFound(event, filter.search)) return false;
  return OBJECT_FIELDS.every((field) => {
    const [value, wanted] = [event[field], filter[field]];
    return wanted === undefined || (value !== undefined && containsJson(value, wanted));
  });
}

/** Containment as PostgreSQL's `jsonb @>` defines it (manual, 8.14.3). */
export function containsJson(value: JsonValue, wanted: JsonValue): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(value) && wanted.every((element) => value.some((own) => containsJson(own, element)));
  }
  if (wanted !== null && typeof wanted === 'object') {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
    return Object.entries(wanted).every(
      ([key, member]) => Object.hasOwn(value, key) && containsJson(value[key] as JsonValue, member),
    );
  }
  return value === wanted;
}
