import { inspect } from 'node:util';
import { badInput } from '../errors.ts';
import { plainAddress } from '../events/address.ts';
import { canonicalEvent } from '../events/canonical.ts';
import { type EVENT_TYPES, OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../events/catalog.ts';
import type { JsonObject, AuditEvent as StoredEvent } from '../events/fields.ts';
import { checkJsonObject, checkText } from '../events/json.ts';
import { formatTime, parseTime } from '../events/time.ts';
import { formatCursor } from '../log/read/cursor.ts';
import { leafHash } from '../merkle/hash.ts';
import { plainObject } from './plain-json.ts';

/** The dotted name of an event type: the built-in ones, and those of the deployment. */
export type AuditEventType = (typeof EVENT_TYPES)[number] | (string & {});

/** An event in snake_case, as JSON has it: a line of an NDJSON export, and where it stands in the log, if that is known. */
export interface AuditEventRecord {
  /** The version of the form. */
  v: 1;
  id: string;
  /** Random: it keeps the content unguessable from the leaf hash alone. */
  salt: string;
  /** RFC 3339 in UTC, with milliseconds. */
  timestamp: string;
  recorded_at: string;
  event_type: string;
  outcome: Outcome;
  severity: Severity;
  action: string;
  description: string;
  details: JsonObject;
  user_id?: string;
  customer_id?: string;
  session_id?: string;
  ip_address?: string;
  user_agent?: string;
  request_id?: string;
  resource_type?: string;
  resource_id?: string;
  old_values?: JsonObject;
  new_values?: JsonObject;
  position?: number;
}

const TEXTS = {
  user_id: 'userId',
  customer_id: 'customerId',
  session_id: 'sessionId',
  ip_address: 'ipAddress',
  user_agent: 'userAgent',
  request_id: 'requestId',
  resource_type: 'resourceType',
  resource_id: 'resourceId',
} as const;
const OBJECTS = { old_values: 'oldValues', new_values: 'newValues' } as const;

/**
 * An event of the log. Times are milliseconds since 1970. Its JSON is the snake_case record, from which the constructor
 * makes the same event again.
 */
export class AuditEvent implements StoredEvent {
  /** `audit_` and the 32 hex digits of a UUIDv7. */
  declare readonly id: string;
  /** 0-based, gap-free, in commit order: the leaf index. -1: not known, of an event from a record without it. */
  declare readonly position: number;
  /** When it happened. */
  declare readonly timestamp: number;
  /** When it was received, by the clock of the process that recorded it. */
  declare readonly recordedAt: number;
  /** The dotted type, such as `auth.login_failed`. */
  declare readonly eventType: string;
  declare readonly outcome: Outcome;
  declare readonly severity: Severity;
  declare readonly userId?: string | undefined;
  declare readonly customerId?: string | undefined;
  declare readonly sessionId?: string | undefined;
  declare readonly ipAddress?: string | undefined;
  declare readonly userAgent?: string | undefined;
  declare readonly requestId?: string | undefined;
  declare readonly resourceType?: string | undefined;
  declare readonly resourceId?: string | undefined;
  declare readonly action: string;
  declare readonly description: string;
  declare readonly details: JsonObject;
  declare readonly oldValues?: JsonObject | undefined;
  declare readonly newValues?: JsonObject | undefined;
  /** 32 random hex digits: they keep the content unguessable from the leaf hash alone. */
  declare readonly salt: string;
  /** SHA-256(0x00 || canonical form), 32 bytes. */
  declare readonly leafHash: Buffer;

  /** Makes the event of a record. Throws BAD_USER_INPUT with the path of a member that no event can have. */
  constructor(record: AuditEventRecord) {
    Object.assign(this, fieldsOf(record));
    (this as { leafHash: Buffer }).leafHash = Buffer.from(leafHash(canonicalEvent(this)));
  }

  /** The same event with the methods of this class; what a program changes in it changes nothing of what others get. */
  static of(event: StoredEvent): AuditEvent {
    const { details, oldValues, newValues } = event;
    return Object.assign(Object.create(AuditEvent.prototype), event, {
      leafHash: Buffer.from(event.leafHash),
      ...(details && { details: structuredClone(details) }),
      ...(oldValues && { oldValues: structuredClone(oldValues) }),
      ...(newValues && { newValues: structuredClone(newValues) }),
    });
  }

  /** Its place for `after`: what comes behind it, in a list as in `follow`. */
  get cursor(): string {
    return formatCursor(this);
  }

  /** The canonical form (RFC 8785) whose hash is the leaf: a line of an NDJSON export. */
  toCanonicalJson(): string {
    return canonicalEvent(this).toString('utf8');
  }

  /** The record in snake_case, absent values left out, with the position where it is known. */
  toJSON(): AuditEventRecord {
    return {
      v: 1,
      id: this.id,
      ...(this.position >= 0 && { position: this.position }),
      timestamp: formatTime(this.timestamp),
      recorded_at: formatTime(this.recordedAt),
      event_type: this.eventType,
      outcome: this.outcome,
      severity: this.severity,
      ...present(this, TEXTS),
      action: this.action,
      description: this.description,
      details: this.details,
      ...present(this, OBJECTS),
      salt: this.salt,
    };
  }

  /** In a console: the hash as text, and no fields without a value. */
  [inspect.custom](): object {
    const fields = Object.entries(this).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(fields), leafHash: this.leafHash.toString('hex') };
  }
}

function present(event: AuditEvent, names: Readonly<Record<string, keyof AuditEvent>>): object {
  const found = Object.entries(names).filter(([, field]) => event[field] !== undefined);
  return Object.fromEntries(found.map(([name, field]) => [name, event[field]]));
}

const ID = /^audit_[0-9a-f]{32}$/;
const SALT = /^[0-9a-f]{32}$/;
const TYPE = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/;

function fieldsOf(record: AuditEventRecord): Omit<StoredEvent, 'leafHash'> {
  if (typeof record !== 'object' || record === null) throw badInput('record', 'must be an object');
  if (record.v !== 1) throw badInput('record.v', 'must be 1: another version of the form is not known');
  const { position = -1, details } = record;
  if (!Number.isSafeInteger(position) || position < -1)
    throw badInput('record.position', 'must be a position of the log');
  return {
    id: matching(record.id, ID, 'id'),
    salt: matching(record.salt, SALT, 'salt'),
    position,
    timestamp: readTime(record.timestamp, 'timestamp'),
    recordedAt: readTime(record.recorded_at, 'recorded_at'),
    eventType: matching(record.event_type, TYPE, 'event_type'),
    outcome: oneOf(OUTCOMES, record.outcome, 'outcome'),
    severity: oneOf(SEVERITIES, record.severity, 'severity'),
    ...given(record, TEXTS, readText),
    ...(record.ip_address !== undefined && { ipAddress: readAddress(record.ip_address) }),
    action: readText(record.action, 'action'),
    description: readText(record.description, 'description'),
    details: readObject(details, 'details'),
    ...given(record, OBJECTS, readObject),
  };
}

function given<Value>(
  record: AuditEventRecord,
  names: Readonly<Record<string, string>>,
  read: (value: unknown, name: string) => Value,
): Record<string, Value> {
  const members = record as unknown as Record<string, unknown>;
  const found = Object.entries(names).filter(([name]) => members[name] != null);
  return Object.fromEntries(found.map(([name, field]) => [field, read(members[name], name)]));
}

function readText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw badInput(`record.${name}`, 'must be a text');
  checkText(value, `record.${name}`);
  return value;
}

function matching(value: unknown, form: RegExp, name: string): string {
  if (typeof value === 'string' && form.test(value)) return value;
  throw badInput(`record.${name}`, 'does not have the form that it has in an event');
}

function oneOf<T extends string>(values: readonly T[], value: unknown, name: string): T {
  if (values.includes(value as T)) return value as T;
  throw badInput(`record.${name}`, `must be one of ${values.join(', ')}`);
}

function readTime(value: unknown, name: string): number {
  const time = typeof value === 'string' ? parseTime(value) : undefined;
  if (time === undefined) throw badInput(`record.${name}`, 'must be an RFC 3339 date-time');
  return time;
}

function readAddress(value: unknown): string {
  const address = plainAddress(readText(value, 'ip_address'));
  if (address === undefined) throw badInput('record.ip_address', 'must be an IPv4 or IPv6 address');
  return address;
}

function readObject(value: unknown, name: string): JsonObject {
  return checkJsonObject(plainObject(value, `record.${name}`), `record.${name}`);
}
