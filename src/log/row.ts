import { canonicalAddress } from '../events/address.ts';
import type { Outcome, Severity } from '../events/catalog.ts';
import type { AuditEvent, JsonObject } from '../events/event.ts';

// In the order in which they are read everywhere.
const COLUMNS: Record<keyof AuditEvent, string> = {
  position: 'position',
  id: 'id',
  salt: "encode(salt, 'hex') AS salt",
  leafHash: 'leaf_hash',
  timestamp: '"timestamp"',
  recordedAt: 'recorded_at',
  eventType: 'event_type',
  outcome: 'outcome',
  severity: 'severity',
  userId: 'user_id',
  customerId: 'customer_id',
  sessionId: 'session_id',
  ipAddress: 'host(ip_address) AS ip_address',
  userAgent: 'user_agent',
  requestId: 'request_id',
  resourceType: 'resource_type',
  resourceId: 'resource_id',
  action: 'action',
  description: 'description',
  details: 'details',
  oldValues: 'old_values',
  newValues: 'new_values',
};

/** The columns of an event. */
export const EVENT_COLUMNS = Object.values(COLUMNS).join(', ');

/**
 * Where the log began at the moment of the statement. Rows before it are still stored until a purge has removed them, and
 * readers must not see them.
 */
export const FIRST_POSITION = '(SELECT first_position FROM log_head) AS first_position';

/** The columns of an event, and where the log began when it was read. */
export const READ_COLUMNS = `${EVENT_COLUMNS}, ${FIRST_POSITION}`;

/** Whether an event has a field of that name, which is read from a column. */
export function isEventField(name: string): boolean {
  return Object.hasOwn(COLUMNS, name);
}

/**
 * The columns of these fields of an event, by their names, of its place in every order, and where the log began; other
 * names are ignored. Undefined: those of all fields.
 */
export function columnsOf(fields: ReadonlySet<string> | undefined): string {
  if (!fields) return READ_COLUMNS;
  const columns = Object.entries(COLUMNS)
    .filter(([field]) => field === 'position' || field === 'timestamp' || fields.has(field))
    .map(([, column]) => column);
  return [...columns, FIRST_POSITION].join(', ');
}

/** A row with where the log began when it was read. */
export interface ReadRow extends EventRow {
  first_position: number;
}

/** Whether no purge has announced that the row is removed. */
export function isVisible({ position, first_position }: ReadRow): boolean {
  return position >= first_position;
}

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

/**
 * The event of a row; one of fewer columns makes an event of fewer fields. Every field is named, absent ones too: objects
 * of one shape are quicker all along the way.
 */
export function eventOfRow(row: EventRow): AuditEvent {
  return {
    position: row.position,
    id: row.id,
    salt: row.salt,
    leafHash: row.leaf_hash,
    timestamp: row.timestamp,
    recordedAt: row.recorded_at,
    eventType: row.event_type,
    outcome: row.outcome,
    severity: row.severity,
    userId: row.user_id ?? undefined,
    customerId: row.customer_id ?? undefined,
    sessionId: row.session_id ?? undefined,
    ipAddress: row.ip_address == null ? undefined : addressOf(row.ip_address),
    userAgent: row.user_agent ?? undefined,
    requestId: row.request_id ?? undefined,
    resourceType: row.resource_type ?? undefined,
    resourceId: row.resource_id ?? undefined,
    action: row.action,
    description: row.description,
    details: row.details,
    oldValues: row.old_values ?? undefined,
    newValues: row.new_values ?? undefined,
  };
}

/** The address that PostgreSQL printed: some of IPv6 in another way than RFC 5952; an IPv4 address has one form only. */
export function addressOf(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : text;
}
