import { badInput } from '../errors.ts';
import { canonicalAddress } from './address.ts';
import { TEXT_BOUNDS, type TextField } from './bounds.ts';
import type { Outcome, Severity } from './catalog.ts';
import type { EventDraft } from './event.ts';
import { checkJsonObject, checkText } from './json.ts';

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
  const draft: EventDraft = {
    eventType: input.eventType,
    outcome: input.outcome ?? 'success',
    severity: input.severity ?? 'info',
    action: checkAction(input, path),
    description: '',
    details: checkJsonObject(input.details ?? {}, `${path}.details`),
  };
  for (const field of Object.keys(TEXT_BOUNDS) as TextField[]) {
    const text = checkField(input, field, path);
    if (text !== undefined) draft[field] = text;
  }
  if (input.timestamp != null) draft.timestamp = input.timestamp;
  if (input.ipAddress != null) draft.ipAddress = checkAddress(input.ipAddress, `${path}.ipAddress`);
  if (input.oldValues != null) draft.oldValues = checkJsonObject(input.oldValues, `${path}.oldValues`);
  if (input.newValues != null) draft.newValues = checkJsonObject(input.newValues, `${path}.newValues`);
  return draft;
}

function checkField(input: EventInput, field: TextField, path: string): string | undefined {
  const text = input[field];
  if (text == null) return undefined;
  checkText(text, `${path}.${field}`);
  if (text.length > TEXT_BOUNDS[field]) {
    throw badInput(`${path}.${field}`, `is longer than ${TEXT_BOUNDS[field]} characters`);
  }
  if (text === '' && field === 'idempotencyKey') throw badInput(`${path}.${field}`, 'must not be empty');
  return text;
}

function checkAction({ action, eventType }: EventInput, path: string): string {
  if (action == null) return eventType;
  if (action.trim() === '') throw badInput(`${path}.action`, 'must not be empty');
  return action;
}

function checkAddress(text: string, path: string): string {
  const address = canonicalAddress(text);
  if (address === undefined) throw badInput(path, 'must be an IPv4 or IPv6 address');
  return address;
}
