import { AuditError, AuditErrors, badInput, MAX_PROBLEMS, Problems } from '../errors.ts';
import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../events/catalog.ts';
import {
  CLIENT_FIELDS,
  type ClientField,
  CONTEXT_FIELDS,
  type ContextField,
  EVENT_FIELDS,
  type JsonObject,
  type ValueOf,
} from '../events/fields.ts';
import { parseTime } from '../events/time.ts';
import { authEvent, dataTypeOf, type EventInput, securityEvent } from '../events/validate.ts';
import type { AuditEventType } from './audit-event.ts';
import { plainObject } from './plain-json.ts';

/** A time: a Date, milliseconds since 1970, or an RFC 3339 date-time. */
export type Time = Date | number | string;

/** The type of a program's value for a field. */
type GivenValue<Name extends ClientField> =
  ValueOf<Name> extends number ? Time : ValueOf<Name> extends JsonObject ? object : ValueOf<Name>;
type GivenFields<Names extends ClientField> = { [N in Names]?: GivenValue<N> | null | undefined };

/** The fields that every kind of event may have. */
export interface EventContext extends GivenFields<ContextField> {
  /** Plain JSON. A copy is recorded, in which secrets are redacted before anything is stored. */
  details?: object | null | undefined;
  /** A repeated key returns the first event as DUPLICATE. With other content it throws CONFLICT. */
  idempotencyKey?: string | null | undefined;
}

/** An event to record. */
export interface LogEvent extends EventContext, GivenFields<Exclude<ClientField, ContextField>> {
  eventType: AuditEventType;
  /** Default: `success`. */
  outcome?: Outcome | null | undefined;
  /** Default: `info`. */
  severity?: Severity | null | undefined;
  /** When it happened. Default: now. */
  timestamp?: Time | null | undefined;
  /** Default: the dotted type. */
  action?: string | null | undefined;
  /** Default: empty. */
  description?: string | null | undefined;
}

/** An authentication event (`auth.*`). Its action is the dotted type. */
export interface AuthEvent extends EventContext {
  eventType: AuditEventType;
  /** Default: true. False: outcome `failure` with severity `warning`. */
  success?: boolean | null | undefined;
}

/** The action of a data event. Its event type is `data.` and the action. */
export type DataAction = 'read' | 'create' | 'update' | 'delete' | 'export' | 'import';
export const DATA_ACTIONS = ['read', 'create', 'update', 'delete', 'export', 'import'] as const;

/** An access to data (`data.*`). */
export interface DataEvent extends EventContext, GivenFields<'oldValues' | 'newValues'> {
  action: DataAction;
  resourceType: string;
  resourceId: string;
}

/** A security event (`security.*`). Its action is the dotted type. */
export interface SecurityEvent extends EventContext, GivenFields<'outcome'> {
  eventType: AuditEventType;
  severity: Severity;
  description: string;
}

const FIELDS = new Set<string>(CLIENT_FIELDS);
const OF_AUTH = new Set<string>([...CONTEXT_FIELDS, 'eventType', 'success']);
const OF_DATA = new Set<string>([
  ...CONTEXT_FIELDS,
  ...(['action', 'resourceType', 'resourceId', 'oldValues', 'newValues'] satisfies ClientField[]),
]);
const OF_SECURITY = new Set<string>([
  ...CONTEXT_FIELDS,
  ...(['eventType', 'severity', 'description', 'outcome'] satisfies ClientField[]),
]);

/** An input for the pipeline, and its problems with types, which GraphQL would refuse before. */
export interface ReadInput {
  input: EventInput;
  problems: readonly AuditError[];
}

/** Reads and copies an event of the program. `eventTypes` are those of the deployment. */
export function readEvent(given: LogEvent, path: string, eventTypes: readonly string[]): ReadInput {
  return collected((problems) => eventOf(given, { path, eventTypes, problems, fields: FIELDS }));
}

export function readAuthEvent(given: AuthEvent, path: string, eventTypes: readonly string[]): ReadInput {
  return collected((problems) => {
    const input = eventOf(given, { path, eventTypes, problems, fields: OF_AUTH });
    const { success = true } = given ?? {};
    if (success !== null && typeof success !== 'boolean')
      problems.add(badInput(`${path}.success`, 'must be true or false'));
    return completed(input, problems, () => authEvent(input, success !== false, path));
  });
}

export function readDataEvent(given: DataEvent, path: string, eventTypes: readonly string[]): ReadInput {
  return collected((problems) => {
    const { action } = given ?? {};
    if (!DATA_ACTIONS.includes(action))
      problems.add(badInput(`${path}.action`, `must be one of ${DATA_ACTIONS.join(', ')}`));
    for (const field of ['resourceType', 'resourceId'] as const)
      if (given?.[field] == null) problems.add(badInput(`${path}.${field}`, 'is required'));
    const typed = { ...given, ...dataTypeOf(DATA_ACTIONS.includes(action) ? action : 'read') };
    return eventOf(typed, { path, eventTypes, problems, fields: OF_DATA });
  });
}

export function readSecurityEvent(
  given: SecurityEvent,
  path: string,
  eventTypes: readonly string[],
): ReadInput {
  return collected((problems) => {
    const input = eventOf(given, { path, eventTypes, problems, fields: OF_SECURITY });
    for (const field of ['severity', 'description'] as const)
      if (given?.[field] == null) problems.add(badInput(`${path}.${field}`, 'is required'));
    return completed(input, problems, () => securityEvent(input, path));
  });
}

/** Completes an input, unless the problem of its event type is known already. */
function completed(input: EventInput, problems: Problems, complete: () => EventInput): EventInput {
  return (input.eventType === '' ? undefined : problems.attempt(complete)) ?? input;
}

function collected(read: (problems: Problems) => EventInput): ReadInput {
  const found: AuditError[] = [];
  const problems = new Problems();
  let input: EventInput = { eventType: '' };
  try {
    input = read(problems);
    problems.throwAny();
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    found.push(...(error instanceof AuditErrors ? error.all : [error]));
  }
  return { input, problems: found };
}

interface Reading {
  path: string;
  eventTypes: readonly string[];
  problems: Problems;
  fields: ReadonlySet<string>;
}

function eventOf(given: LogEvent | AuthEvent | DataEvent | SecurityEvent, reading: Reading): EventInput {
  const { path, eventTypes, problems, fields } = reading;
  if (typeof given !== 'object' || given === null) throw badInput(path, 'must be an object');
  const event = given as object as Record<string, unknown>;
  const unknown = Object.keys(event).find((name) => !fields.has(name) && event[name] !== undefined);
  // `readDataEvent` adds the type of a data event.
  if (unknown !== undefined && !(fields === OF_DATA && unknown === 'eventType'))
    problems.add(badInput(`${path}.${unknown}`, `is not a field: the fields are ${[...fields].join(', ')}`));
  // A getter may give something else at the next read, so each field is read once.
  const { eventType } = event;
  const input: EventInput = { eventType: typeof eventType === 'string' ? eventType : '' };
  if (!eventTypes.includes(input.eventType))
    problems.add(
      badInput(`${path}.eventType`, 'must be an event type such as auth.login_failed (EVENT_TYPES)'),
    );
  const read: Record<string, unknown> = { ...input };
  for (const name of CLIENT_FIELDS) {
    if (name === 'eventType') continue;
    const value = event[name];
    if (value != null)
      read[name] = problems.attempt(() => READERS[EVENT_FIELDS[name].kind](value, `${path}.${name}`));
  }
  return read as EventInput;
}

type ValueReader = (value: unknown, path: string) => unknown;

/** The readers of the program's values, by kind of field. Each throws BAD_USER_INPUT. */
const READERS: Record<(typeof EVENT_FIELDS)[ClientField]['kind'], ValueReader> = {
  text: readText,
  address: readText,
  eventType: readText,
  object: plainObject,
  time: timeOf,
  outcome: (value, path) => oneOf(OUTCOMES, value, path),
  severity: (value, path) => oneOf(SEVERITIES, value, path),
};

function readText(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw badInput(path, 'must be a text');
}

function oneOf<T extends string>(values: readonly T[], value: unknown, path: string): T {
  if (values.includes(value as T)) return value as T;
  throw badInput(path, `must be one of ${values.join(', ')}`);
}

/** Reads a time as milliseconds since 1970. Throws BAD_USER_INPUT. */
export function timeOf(value: unknown, path: string): number {
  // Converts every form to text first: a time with an RFC 3339 text can be stored.
  const text = value instanceof Date || typeof value === 'number' ? isoOf(value) : value;
  const time = typeof text === 'string' ? parseTime(text) : undefined;
  if (time === undefined)
    throw badInput(path, 'must be a Date, milliseconds since 1970, or an RFC 3339 date-time');
  return time;
}

function isoOf(value: Date | number): string | undefined {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Throws the problems, if there are any, at most `MAX_PROBLEMS`. */
export function throwProblems(problems: readonly AuditError[]): void {
  const [first, ...others] = problems.slice(0, MAX_PROBLEMS);
  if (first) throw others.length === 0 ? first : new AuditErrors([first, ...others]);
}
