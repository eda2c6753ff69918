import type { Outcome, Severity } from './catalog.ts';

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
