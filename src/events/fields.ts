import type { Outcome, Severity } from './catalog.ts';

/** Longest values of the text fields, in UTF-16 code units. */
export const TEXT_BOUNDS = {
  idempotencyKey: 256,
  userId: 256,
  customerId: 256,
  sessionId: 256,
  requestId: 256,
  userAgent: 2_000,
  resourceType: 256,
  resourceId: 1_024,
  action: 256,
  description: 2_000,
} as const;
export type TextField = keyof typeof TEXT_BOUNDS;

/** Deepest nesting of objects and arrays in `details`, `oldValues` and `newValues`. */
export const MAX_JSON_DEPTH = 32;
/** Most members and elements in one of them, all levels together. */
export const MAX_JSON_VALUES = 10_000;
/** Longest canonical form of an event, in bytes: the most that an entry of a C2SP tlog-tiles bundle can hold. */
export const MAX_EVENT_BYTES = 65_535;
/**
 * Most characters of an event before redaction: its texts, and the keys and texts of its objects. Redaction shortens an
 * event, so this is more than `MAX_EVENT_BYTES`; it bounds the work on an event that is too large in any case.
 */
export const MAX_EVENT_CHARACTERS = 131_072;
/** Most members and elements in the `details` of a filter: each is compared with each element of an event's array. */
export const MAX_FILTER_VALUES = 100;
/** Most events in one `logEvents`. */
export const MAX_BATCH = 1_000;

const upTo = (field: keyof typeof TEXT_BOUNDS) => `Up to ${TEXT_BOUNDS[field]} characters.`;
const OBJECT = `Up to ${MAX_JSON_DEPTH} levels and ${MAX_JSON_VALUES} values; the whole event takes up to ${MAX_EVENT_BYTES} bytes.`;

/** What each field of an event says, and its bound: for the API's own documentation, wherever the field appears. */
export const FIELD_DESCRIPTIONS = {
  idempotencyKey: `Makes a retry safe: the same key again, however late, returns the first event and records nothing; with other content it is an error (CONFLICT). ${upTo('idempotencyKey')}`,
  timestamp: 'When it happened, by the clock of the application; absent: the time of receipt.',
  eventType: 'What happened.',
  outcome: 'How it ended.',
  severity: 'How much it matters.',
  userId: `Who acted. ${upTo('userId')}`,
  customerId: `The customer (tenant) on whose data or on whose behalf. ${upTo('customerId')}`,
  sessionId: `The session in which it happened. ${upTo('sessionId')}`,
  ipAddress:
    'From which address: IPv4 or IPv6, in canonical form; an IPv4-mapped address (::ffff:192.0.2.1) is recorded as IPv4.',
  userAgent: `With which program, as its User-Agent says. ${upTo('userAgent')}`,
  requestId: `The request that caused it, to find it in other logs. ${upTo('requestId')}`,
  resourceType: `The kind of resource that was acted on, such as "invoice". ${upTo('resourceType')}`,
  resourceId: `The resource that was acted on. ${upTo('resourceId')}`,
  action: `What was done, in the words of the application; absent: the dotted name of the event type. ${upTo('action')}`,
  description: `What happened, for people. ${upTo('description')}`,
  details: `Anything else, as a JSON object. ${OBJECT}`,
  oldValues: `The values before a change. ${OBJECT}`,
  newValues: `The values after a change. ${OBJECT}`,
} as const;

/** A JSON object as the log keeps it. */
export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** What a caller says of an event, validated: every text within its bounds, `ipAddress` in RFC 5952 form. */
export interface EventDraft {
  /** Milliseconds since 1970; undefined: the time of receipt. */
  timestamp?: number | undefined;
  eventType: string;
  outcome: Outcome;
  severity: Severity;
  userId?: string | undefined;
  customerId?: string | undefined;
  sessionId?: string | undefined;
  ipAddress?: string | undefined;
  userAgent?: string | undefined;
  requestId?: string | undefined;
  resourceType?: string | undefined;
  resourceId?: string | undefined;
  action: string;
  description: string;
  details: JsonObject;
  oldValues?: JsonObject | undefined;
  newValues?: JsonObject | undefined;
  idempotencyKey?: string | undefined;
}

/** An event with its identity, before it has a place in the log. Times are milliseconds since 1970. */
export interface EventRecord extends Omit<EventDraft, 'timestamp' | 'idempotencyKey'> {
  /** `audit_` and the 32 hex digits of a UUIDv7. */
  id: string;
  /** 16 random bytes as 32 hex digits: they keep the content unguessable from the leaf hash alone. */
  salt: string;
  timestamp: number;
  recordedAt: number;
}

/** An event of the log. */
export interface AuditEvent extends EventRecord {
  /** 0-based, gap-free, in commit order: the leaf index. */
  position: number;
  /** SHA-256(0x00 || canonical bytes), 32 bytes. */
  leafHash: Buffer;
}
