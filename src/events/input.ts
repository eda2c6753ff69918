import { badInput } from '../errors.ts';
import { plainAddress } from './address.ts';
import { MAX_EVENT_CHARACTERS, TEXT_BOUNDS, type TextField } from './bounds.ts';
import type { Outcome, Severity } from './catalog.ts';
import type { EventDraft } from './event.ts';
import { checkJsonObject, problemOf } from './json.ts';

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

/** Checks one event; throws BAD_USER_INPUT with the path of the first field that cannot be kept as it is. */
export function checkEvent(input: EventInput, path: string): EventDraft {
  const text = (field: TextField) => checkField(input, field, path);
  // For all three together: an event that is far too large is refused before any work on it.
  const room = { characters: MAX_EVENT_CHARACTERS };
  const json = (field: 'oldValues' | 'newValues') =>
    input[field] == null ? undefined : checkJsonObject(input[field], `${path}.${field}`, { room });
  // Every field is named, absent ones too: objects of one shape are quicker all along the way.
  return {
    eventType: input.eventType,
    outcome: input.outcome ?? 'success',
    severity: input.severity ?? 'info',
    action: checkAction(input, path),
    details: checkJsonObject(input.details ?? {}, `${path}.details`, { room }),
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
    ipAddress: input.ipAddress == null ? undefined : checkAddress(input.ipAddress, `${path}.ipAddress`),
    oldValues: json('oldValues'),
    newValues: json('newValues'),
  };
}

function checkField(input: EventInput, field: TextField, path: string): string | undefined {
  const text = input[field];
  if (text == null) return undefined;
  const problem = problemOf(text);
  if (problem !== undefined) throw badInput(`${path}.${field}`, problem);
  if (text.length > TEXT_BOUNDS[field]) {
    throw badInput(`${path}.${field}`, `is longer than ${TEXT_BOUNDS[field]} characters`);
  }
  if (text === '' && field === 'idempotencyKey') throw badInput(`${path}.${field}`, 'must not be empty');
  return text;
}

function checkAction(input: EventInput, path: string): string {
  const action = checkField(input, 'action', path);
  if (action === undefined) return input.eventType;
  if (action.trim() === '') throw badInput(`${path}.action`, 'must not be empty');
  return action;
}

function checkAddress(text: string, path: string): string {
  const address = plainAddress(text);
  if (address === undefined) throw badInput(path, 'must be an IPv4 or IPv6 address');
  return address;
}
