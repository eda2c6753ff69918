import { type AddressBlock, isInBlock } from './address.ts';
import { categoryOf, type Outcome, SEVERITIES, type Severity } from './catalog.ts';
import type { AuditEvent, JsonObject, JsonValue } from './fields.ts';
import { isFound, type SearchCondition } from './search.ts';

/** Which events are wanted: every given condition must hold. Checked: blocks and search texts are parsed. */
export interface EventFilter {
  eventTypes?: string[];
  categories?: string[];
  outcomes?: Outcome[];
  severities?: Severity[];
  minSeverity?: Severity;
  userId?: string;
  customerId?: string;
  sessionId?: string;
  requestId?: string;
  ipBlock?: AddressBlock;
  resourceType?: string;
  resourceId?: string;
  action?: string;
  /** Milliseconds since 1970 on `timestamp`, both inclusive. */
  startTime?: number;
  endTime?: number;
  search?: SearchCondition;
  details?: JsonObject;
  oldValues?: JsonObject;
  newValues?: JsonObject;
}

/** The objects of an event that a filter has to be contained in. */
export const OBJECT_FIELDS = ['details', 'oldValues', 'newValues'] as const;

/** The columns that a filter compares for equality. */
export const EQUAL_FIELDS = [
  'userId',
  'customerId',
  'sessionId',
  'requestId',
  'resourceType',
  'resourceId',
  'action',
] as const;

/** Whether the event matches; agrees with the SQL of `log/where.ts` on every event. */
export function matches(event: AuditEvent, filter: EventFilter): boolean {
  if (filter.eventTypes && !filter.eventTypes.includes(event.eventType)) return false;
  if (filter.categories && !filter.categories.includes(categoryOf(event.eventType))) return false;
  if (filter.outcomes && !filter.outcomes.includes(event.outcome)) return false;
  if (filter.severities && !filter.severities.includes(event.severity)) return false;
  if (filter.minSeverity && SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(filter.minSeverity))
    return false;
  if (EQUAL_FIELDS.some((field) => filter[field] !== undefined && event[field] !== filter[field]))
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
