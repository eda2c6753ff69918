import { parseTimestamp } from '../../db/client.ts';
import { Prisma } from '../../db/generated/client.ts';
import { canonicalAddress } from '../../events/address.ts';
import type { Outcome, Severity } from '../../events/catalog.ts';
import type { AuditEvent, JsonObject } from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';

// In the order in which they are read everywhere. What Prisma would convert (numbers of 64 bits, times, bytes, and JSON, for
// which it takes `JSON.parse`) is read as text or as a float, which is exact for every position, and converted below.
const COLUMNS: Record<keyof AuditEvent, string> = {
  position: 'position::float8 AS position',
  id: 'id',
  salt: "encode(salt, 'hex') AS salt",
  leafHash: "encode(leaf_hash, 'hex') AS leaf_hash",
  timestamp: '"timestamp"::text AS "timestamp"',
  recordedAt: 'recorded_at::text AS recorded_at',
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
  details: 'details::text AS details',
  oldValues: 'old_values::text AS old_values',
  newValues: 'new_values::text AS new_values',
};

/** The columns of an event. An ORDER BY has to name the table: what is selected has the names of its columns. */
export const EVENT_COLUMNS = Prisma.raw(Object.values(COLUMNS).join(', '));

/**
 * Where the log began at the moment of the statement. Rows before it are still stored until a purge has removed them, and
 * readers must not see them.
 */
export const FIRST_POSITION = Prisma.sql`(SELECT first_position FROM log_head)::float8 AS first_position`;

/** The columns of an event, and where the log began when it was read. */
export const READ_COLUMNS = Prisma.sql`${EVENT_COLUMNS}, ${FIRST_POSITION}`;

/** Whether an event has a field of that name, which is read from a column. */
export function isEventField(name: string): boolean {
  return Object.hasOwn(COLUMNS, name);
}

/**
 * The columns of these fields of an event, by their names, of its id and its place in every order, and where the log
 * began; other names are ignored. Undefined: those of all fields.
 */
export function columnsOf(fields: ReadonlySet<string> | undefined): Prisma.Sql {
  if (!fields) return READ_COLUMNS;
  const made = columnsByFields.get(fields) ?? makeColumns(fields);
  columnsByFields.set(fields, made);
  return made;
}

// An operation that is executed again asks for the same set.
const columnsByFields = new WeakMap<ReadonlySet<string>, Prisma.Sql>();

function makeColumns(fields: ReadonlySet<string>): Prisma.Sql {
  const columns = Object.entries(COLUMNS)
    .filter(([field]) => ALWAYS.includes(field) || fields.has(field))
    .map(([, column]) => column);
  return Prisma.sql`${Prisma.raw(columns.join(', '))}, ${FIRST_POSITION}`;
}

const ALWAYS = ['position', 'id', 'timestamp'];

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
  /** In hex. */
  leaf_hash: string;
  timestamp: string;
  recorded_at: string;
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
  details: string;
  old_values: string | null;
  new_values: string | null;
}

/** The objects of a row. */
export type RowObjects = Record<'details' | 'old_values' | 'new_values', JsonObject | undefined>;

/**
 * The event of a row; one of fewer columns makes an event of fewer fields. Every field is named, absent ones too: objects
 * of one shape are quicker all along the way.
 */
export function eventOfRow(row: EventRow, objects: RowObjects = objectsOf(row)): AuditEvent {
  return {
    position: row.position,
    id: row.id,
    salt: row.salt,
    leafHash: whenRead(row.leaf_hash, fromHex),
    timestamp: parseTimestamp(row.timestamp),
    recordedAt: whenRead(row.recorded_at, parseTimestamp),
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
    details: objects.details as JsonObject,
    oldValues: objects.old_values,
    newValues: objects.new_values,
  };
}

function objectsOf({ details, old_values, new_values }: EventRow): RowObjects {
  return { details: objectOf(details), old_values: objectOf(old_values), new_values: objectOf(new_values) };
}

function objectOf(text: string | null | undefined): JsonObject | undefined {
  return text == null ? undefined : (parseJson(text) as JsonObject);
}

// A column that was not asked for is not there, whatever its type says.
function whenRead<Value>(text: string, convert: (text: string) => Value): Value {
  return text === undefined ? (undefined as Value) : convert(text);
}

function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** The address that PostgreSQL printed: some of IPv6 in another way than RFC 5952; an IPv4 address has one form only. */
export function addressOf(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : text;
}
