import { canonicalAddress } from '../events/address.ts';
import type { Outcome, Severity } from '../events/catalog.ts';
import type { AuditEvent, JsonObject } from '../events/event.ts';

/** The columns of an event, in the order in which they are read everywhere. */
export const EVENT_COLUMNS = `position, id, encode(salt, 'hex') AS salt, leaf_hash, "timestamp", recorded_at, event_type, outcome, severity,
  user_id, customer_id, session_id, host(ip_address) AS ip_address, user_agent, request_id, resource_type, resource_id,
  action, description, details, old_values, new_values`;

/** A row of `EVENT_COLUMNS`. */
export interface EventRow {
  position: number;
  id: string;
  /** In hex. */
  salt: string;
  leaf_hash: Buffer;
  timestamp: number;
  recorded_at: number;
  event_type: string;
  outcome: Outcome;
  severity: Severity;
  user_id: string | null;
  customer_id: string | null;
  session_id: string | null;
  ip_address: string | null;
  user_agent: string | null;
  request_id: string | null;
  resource_type: string | null;
  resource_id: string | null;
  action: string;
  description: string;
  details: JsonObject;
  old_values: JsonObject | null;
  new_values: JsonObject | null;
}

const OPTIONAL = [
  ['userId', 'user_id'],
  ['customerId', 'customer_id'],
  ['sessionId', 'session_id'],
  ['userAgent', 'user_agent'],
  ['requestId', 'request_id'],
  ['resourceType', 'resource_type'],
  ['resourceId', 'resource_id'],
] as const;

/** The event of a row. */
export function eventOfRow(row: EventRow): AuditEvent {
  const event: AuditEvent = {
    position: row.position,
    id: row.id,
    salt: row.salt,
    leafHash: row.leaf_hash,
    timestamp: row.timestamp,
    recordedAt: row.recorded_at,
    eventType: row.event_type,
    outcome: row.outcome,
    severity: row.severity,
    action: row.action,
    description: row.description,
    details: row.details,
  };
  for (const [field, column] of OPTIONAL) {
    const value = row[column];
    if (value !== null) event[field] = value;
  }
  const address = row.ip_address === null ? undefined : addressOf(row.ip_address);
  if (address !== undefined) event.ipAddress = address;
  if (row.old_values !== null) event.oldValues = row.old_values;
  if (row.new_values !== null) event.newValues = row.new_values;
  return event;
}

// PostgreSQL prints some IPv6 addresses in another way than RFC 5952; an IPv4 address has one form only.
function addressOf(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : text;
}
