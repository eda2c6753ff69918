import { badInput } from '../errors.ts';
import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../events/catalog.ts';
import { EQUALITY_FIELDS, type EqualityField, OBJECT_FIELDS, type ObjectField } from '../events/fields.ts';
import { checkFilter, type EventFilter, type FilterInput } from '../events/filter.ts';
import type { Services } from '../schema/context.ts';
import type { AuditEventType } from './audit-event.ts';
import { type Time, timeOf } from './inputs.ts';
import { plainObject } from './plain-json.ts';

/** A filter: an event must meet every given condition. An empty list matches no event. */
export interface AuditFilter extends EqualityConditions, ObjectConditions {
  eventTypes?: readonly AuditEventType[] | null | undefined;
  /** The part of an event type before the dot, such as `auth`. */
  categories?: readonly string[] | null | undefined;
  outcomes?: readonly Outcome[] | null | undefined;
  severities?: readonly Severity[] | null | undefined;
  /** This severity or a higher one. */
  minSeverity?: Severity | null | undefined;
  /** An address or a CIDR block. */
  ipAddress?: string | null | undefined;
  /** Bounds of the timestamp, both inclusive. */
  startTime?: Time | null | undefined;
  endTime?: Time | null | undefined;
  /** A search text: see docs/search.md. */
  search?: string | null | undefined;
}
type EqualityConditions = { [N in EqualityField]?: string | null | undefined };
/** Matches by containment: every given key and value is present. */
type ObjectConditions = { [N in ObjectField]?: object | null | undefined };

const LISTS = ['eventTypes', 'categories', 'outcomes', 'severities'] as const;
const TEXTS = [...EQUALITY_FIELDS, 'ipAddress', 'search'] as const;
const TIMES = ['startTime', 'endTime'] as const;
const FIELDS = new Set<string>([...LISTS, ...TEXTS, ...TIMES, ...OBJECT_FIELDS, 'minSeverity']);

/** Reads a filter of the program with the checks of the API. Throws BAD_USER_INPUT with the path of the condition. */
export function readFilter(
  given: AuditFilter | null | undefined,
  { catalog, pipeline }: Pick<Services, 'catalog' | 'pipeline'>,
): EventFilter {
  if (given == null) return checkFilter(undefined, pipeline.redaction);
  if (typeof given !== 'object') throw badInput('filter', 'must be an object');
  const unknown = Object.keys(given).find((name) => !FIELDS.has(name));
  if (unknown !== undefined)
    throw badInput(`filter.${unknown}`, `is not a condition: the conditions are ${[...FIELDS].join(', ')}`);
  const values: Record<string, readonly string[] | undefined> = {
    eventTypes: catalog.eventTypes,
    outcomes: OUTCOMES,
    severities: SEVERITIES,
  };
  const input: FilterInput = {};
  for (const name of LISTS) if (given[name] != null) setList(input, name, given[name], values[name]);
  for (const name of TEXTS) {
    if (given[name] == null) continue;
    if (typeof given[name] !== 'string') throw badInput(`filter.${name}`, 'must be a text');
    input[name] = given[name];
  }
  for (const name of TIMES) if (given[name] != null) input[name] = timeOf(given[name], `filter.${name}`);
  for (const name of OBJECT_FIELDS)
    if (given[name] != null) input[name] = plainObject(given[name], `filter.${name}`);
  if (given.minSeverity != null) input.minSeverity = readSeverity(given.minSeverity, 'filter.minSeverity');
  return checkFilter(input, pipeline.redaction);
}

/** Throws BAD_USER_INPUT at `path` unless it is a severity. */
export function readSeverity(value: unknown, path: string): Severity {
  if (SEVERITIES.includes(value as Severity)) return value as Severity;
  throw badInput(path, `must be one of ${SEVERITIES.join(', ')}`);
}

function setList(
  input: FilterInput,
  name: (typeof LISTS)[number],
  list: unknown,
  values: readonly string[] | undefined,
): void {
  if (!Array.isArray(list)) throw badInput(`filter.${name}`, 'must be an array');
  // The length of the list is checked later, with the other bounds: more values than that need no check.
  for (const [index, value] of list.slice(0, 1_000).entries()) {
    const isRight = typeof value === 'string' && (values === undefined || values.includes(value));
    if (!isRight)
      throw badInput(
        `filter.${name}[${index}]`,
        values ? 'is not one of the known values' : 'must be a text',
      );
  }
  (input as Record<string, unknown>)[name] = [...list];
}
