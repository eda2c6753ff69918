import { badInput } from '../errors.ts';
import { plainAddress } from './address.ts';
import type { Outcome, Severity } from './catalog.ts';
import { type EventDraft, MAX_EVENT_CHARACTERS, TEXT_BOUNDS, type TextField } from './fields.ts';
import { checkJsonObject, type OnProblem, problemOf, throwProblem } from './json.ts';

/** What a caller sends, before it was checked; names as in the GraphQL input, enums as stored. */
export interface EventInput {
  idempotencyKey?: string | null | undefined;
  timestamp?: number | null | undefined;
  eventType: string;
  outcome?: Outcome | null | undefined;
  severity?: Severity | null | undefined;
  userId?: string | null | undefined;
  customerId?: string | null | undefined;
  sessionId?: string | null | undefined;
  ipAddress?: string | null | undefined;
  userAgent?: string | null | undefined;
  requestId?: string | null | undefined;
  resourceType?: string | null | undefined;
  resourceId?: string | null | undefined;
  /** Absent: the dotted type name. */
  action?: string | null | undefined;
  description?: string | null | undefined;
  details?: unknown;
  oldValues?: unknown;
  newValues?: unknown;
}

/**
 * Checks one event. Each problem is BAD_USER_INPUT with the path of a field that cannot be kept as it is; after one, what
 * is returned is no event.
 */
export function checkEvent(input: EventInput, path: string, onProblem: OnProblem = throwProblem): EventDraft {
  const place = { path, onProblem };
  const text = (field: TextField) => checkField(input, field, place);
  // For all three together: an event that is far too large is refused before any work on it.
  const room = { characters: MAX_EVENT_CHARACTERS };
  const json = (field: 'oldValues' | 'newValues') =>
    input[field] == null ? undefined : checkJsonObject(input[field], `${path}.${field}`, { room, onProblem });
  // Every field is named, absent ones too: objects of one shape are quicker all along the way.
  return {
    eventType: input.eventType,
    outcome: input.outcome ?? 'success',
    severity: input.severity ?? 'info',
    action: checkAction(input, place),
    details: checkJsonObject(input.details ?? {}, `${path}.details`, { room, onProblem }),
    idempotencyKey: text('idempotencyKey'),
    userId: text('userId'),
    customerId: text('customerId'),
    sessionId: text('sessionId'),
    requestId: text('requestId'),
    userAgent: text('userAgent'),
    resourceType: text('resourceType'),
    resourceId: text('resourceId'),
    description: text('description') ?? '',
    timestamp: input.timestamp ?? undefined,
    ipAddress: input.ipAddress == null ? undefined : checkAddress(input.ipAddress, place),
    oldValues: json('oldValues'),
    newValues: json('newValues'),
  };
}

/** Where an event stands in the input, and what becomes of its problems. */
interface Place {
  path: string;
  onProblem: OnProblem;
}

function checkField(input: EventInput, field: TextField, { path, onProblem }: Place): string | undefined {
  const text = input[field];
  if (text == null) return undefined;
  const problem = problemOf(text);
  if (problem !== undefined) onProblem(badInput(`${path}.${field}`, problem));
  else if (text.length > TEXT_BOUNDS[field])
    onProblem(badInput(`${path}.${field}`, `is longer than ${TEXT_BOUNDS[field]} characters`));
  else if (text === '' && field === 'idempotencyKey')
    onProblem(badInput(`${path}.${field}`, 'must not be empty'));
  return text;
}

function checkAction(input: EventInput, place: Place): string {
  const action = checkField(input, 'action', place);
  if (action === undefined) return input.eventType;
  if (action.trim() === '') place.onProblem(badInput(`${place.path}.action`, 'must not be empty'));
  return action;
}

function checkAddress(text: string, { path, onProblem }: Place): string {
  const address = plainAddress(text);
  if (address === undefined) onProblem(badInput(`${path}.ipAddress`, 'must be an IPv4 or IPv6 address'));
  return address ?? text;
}
