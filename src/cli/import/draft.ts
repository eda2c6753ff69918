import { addressIn } from '../../events/address.ts';
import { MAX_EVENT_BYTES, TEXT_BOUNDS, type TextField } from '../../events/bounds.ts';
import type { JsonObject, JsonValue } from '../../events/event.ts';
import { byteLength, fitDetails } from './details.ts';
import type { AuditOutcome, AuditSeverity, BuiltInEventType, LogEventInput } from './input.ts';
import { storable, storableText } from './storable.ts';
import { timeOf } from './time.ts';

/** What a mapper found in a source record, before the bounds of the log are applied. */
export interface Draft {
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  action: string;
  description: string;
  /** The time as the source writes it. */
  time?: JsonValue | undefined;
  /** The source address as the source writes it: an IP address, with a port or in brackets too, a host name, or neither. */
  address?: string | undefined;
  userId?: string | undefined;
  customerId?: string | undefined;
  sessionId?: string | undefined;
  userAgent?: string | undefined;
  requestId?: string | undefined;
  resourceType?: string | undefined;
  resourceId?: string | undefined;
  /** `format`, the source record itself, and what was derived from it. */
  details: JsonObject;
}

/** The texts of a draft that the log bounds: what is longer it refuses. */
const TEXTS = [
  'userId',
  'customerId',
  'sessionId',
  'requestId',
  'resourceType',
  'resourceId',
  'action',
  'description',
  'userAgent',
] as const satisfies readonly TextField[];

/** What is left of an event for what the log adds itself and for redacted values. */
const MAX_INPUT_BYTES = MAX_EVENT_BYTES - 2_535;

/**
 * The event of a draft. Nothing is changed in silence: a text that is too long is shortened with an ellipsis and a
 * note in `details.notes` (the whole value stays in the source record there), an address that is none becomes
 * `details.sourceAddress`, and a time that is missing or unreadable is said in the notes, the event then having the
 * time of its receipt.
 */
export function eventOf(draft: Draft): LogEventInput {
  const notes = new Set<string>();
  const input: LogEventInput = {
    eventType: draft.eventType,
    outcome: draft.outcome,
    severity: draft.severity,
  };
  const timestamp = timeWithNote(draft.time, notes);
  if (timestamp !== undefined) input.timestamp = timestamp;
  const ipAddress = draft.address === undefined ? undefined : addressIn(draft.address);
  if (ipAddress !== undefined) input.ipAddress = ipAddress;
  for (const field of TEXTS) {
    const bound = TEXT_BOUNDS[field];
    const text = draft[field];
    if (text !== undefined && text !== '') {
      input[field] = shortened(storableText(text, notes), { bound, field, notes });
    }
  }
  const address =
    draft.address !== undefined && ipAddress === undefined ? { sourceAddress: draft.address } : {};
  const details = storable({ ...draft.details, ...address }, notes) as JsonObject;
  const noted = notes.size > 0 ? { ...details, notes: [...notes] } : details;
  input.details = fitDetails(noted, MAX_INPUT_BYTES - byteLength({ ...input }));
  return input;
}

function timeWithNote(time: JsonValue | undefined, notes: Set<string>): string | undefined {
  const parsed = timeOf(time);
  if (parsed === undefined) {
    const why = time === undefined || time === null ? 'has no time' : `has ${JSON.stringify(time)} as time`;
    notes.add(`the source record ${why.slice(0, 200)}: the timestamp is that of the import`);
  }
  return parsed;
}

function shortened(text: string, to: { bound: number; field: string; notes: Set<string> }): string {
  const { bound, field, notes } = to;
  if (text.length <= bound) return text;
  notes.add(`${field} is shortened from ${text.length} to ${bound} characters`);
  // A cut between the halves of a surrogate pair would leave a lone surrogate, which is no text.
  const cut = text.slice(0, bound - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${cut}…`;
}
