import { inspect } from 'node:util';
import { badInput } from '../errors.ts';
import { plainAddress } from '../events/address.ts';
import { canonicalEvent } from '../events/canonical.ts';
import { type EVENT_TYPES, OUTCOMES, SEVERITIES } from '../events/catalog.ts';
import {
  type AlwaysField,
  CANONICAL_FIELDS,
  type CanonicalField,
  type Column,
  columnOf,
  EVENT_FIELDS,
  isAlways,
  type JsonObject,
  OBJECT_FIELDS,
  type AuditEvent as StoredEvent,
  type ValueOf,
} from '../events/fields.ts';
import { checkJsonObject, checkText } from '../events/json.ts';
import { formatTime, parseTime } from '../events/time.ts';
import { formatCursor } from '../log/read/cursor.ts';
import { leafHash } from '../merkle/hash.ts';
import { plainObject } from './plain-json.ts';

/** The dotted name of a built-in event type or of one of the deployment. */
export type AuditEventType = (typeof EVENT_TYPES)[number] | (string & {});

/** The JSON record of an event in snake_case: a line of an NDJSON export, with the position if it is known. */
export interface AuditEventRecord extends RecordMembers {
  /** The version of the record. */
  v: 1;
  /** RFC 3339 in UTC, with milliseconds. */
  timestamp: string;
  /** Random: without it the content could be guessed from the leaf hash. */
  salt: string;
  position?: number;
}
type RecordMembers = { [N in AlwaysField & CanonicalField as Column<N>]: RecordValue<N> } & {
  [N in Exclude<CanonicalField, AlwaysField> as Column<N>]?: RecordValue<N>;
};
type RecordValue<Name extends CanonicalField> = ValueOf<Name> extends number ? string : ValueOf<Name>;

// The fields of an event as fields of a class.
const EventFields = class {} as new () => Readonly<StoredEvent>;

/**
 * An event of the log. Times are milliseconds since 1970. Its JSON is the snake_case record, from which the constructor
 * restores the event.
 */
export class AuditEvent extends EventFields implements StoredEvent {
  /** `audit_` and the 32 hex digits of a UUIDv7. */
  declare readonly id: string;
  /** The leaf index: 0-based, gap-free, in commit order. -1: unknown, for an event from a record without it. */
  declare readonly position: number;
  /** When it happened. */
  declare readonly timestamp: number;
  /** When it was recorded, by the clock of the recording process. */
  declare readonly recordedAt: number;
  /** The dotted type, such as `auth.login_failed`. */
  declare readonly eventType: string;
  /** 32 random hex digits: without them the content could be guessed from the leaf hash. */
  declare readonly salt: string;
  /** SHA-256(0x00 || canonical form), 32 bytes. */
  declare readonly leafHash: Buffer;

  /** Restores the event of a record. Throws BAD_USER_INPUT with the path of an invalid member. */
  constructor(record: AuditEventRecord) {
    super();
    Object.assign(this, fieldsOf(record));
    (this as { leafHash: Buffer }).leafHash = Buffer.from(leafHash(canonicalEvent(this)));
  }

  /** A copy of the event as an instance of this class, so that changes by a program do not affect other readers. */
  static of(event: StoredEvent): AuditEvent {
    const copy = Object.assign(Object.create(AuditEvent.prototype), event);
    copy.leafHash = Buffer.from(event.leafHash);
    for (const name of OBJECT_FIELDS) if (event[name]) copy[name] = structuredClone(event[name]);
    return copy;
  }

  /** The cursor of the event. As `after` it starts a list or `follow` with the next event. */
  get cursor(): string {
    return formatCursor(this);
  }

  /** The canonical form (RFC 8785) whose hash is the leaf: a line of an NDJSON export. */
  toCanonicalJson(): string {
    return canonicalEvent(this).toString('utf8');
  }

  /** The record in snake_case, absent values left out, with the position where it is known. */
  toJSON(): AuditEventRecord {
    const members: Record<string, unknown> = { v: 1 };
    if (this.position >= 0) members.position = this.position;
    for (const name of CANONICAL_FIELDS) {
      const value = this[name];
      if (value !== undefined) members[columnOf(name)] = isTime(name) ? formatTime(value as number) : value;
    }
    return members as unknown as AuditEventRecord;
  }

  /** For consoles: the hash as text, without absent fields. */
  [inspect.custom](): object {
    const fields = Object.entries(this).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(fields), leafHash: this.leafHash.toString('hex') };
  }
}

function isTime(name: CanonicalField): boolean {
  return EVENT_FIELDS[name].kind === 'time';
}

const ID = /^audit_[0-9a-f]{32}$/;
const SALT = /^[0-9a-f]{32}$/;
const TYPE = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/;

/** The readers of the members of a record, by kind of field. Each throws BAD_USER_INPUT. */
const READERS: Record<
  (typeof EVENT_FIELDS)[CanonicalField]['kind'],
  (value: unknown, name: string) => unknown
> = {
  id: (value, name) => matching(value, ID, name),
  salt: (value, name) => matching(value, SALT, name),
  eventType: (value, name) => matching(value, TYPE, name),
  outcome: (value, name) => oneOf(OUTCOMES, value, name),
  severity: (value, name) => oneOf(SEVERITIES, value, name),
  time: readTime,
  text: readText,
  address: readAddress,
  object: readObject,
};

function fieldsOf(record: AuditEventRecord): Omit<StoredEvent, 'leafHash'> {
  if (typeof record !== 'object' || record === null) throw badInput('record', 'must be an object');
  if (record.v !== 1) throw badInput('record.v', 'must be 1: other versions are not supported');
  const { position = -1 } = record;
  if (!Number.isSafeInteger(position) || position < -1)
    throw badInput('record.position', 'must be a position of the log');
  const event: Record<string, unknown> = { position };
  for (const name of CANONICAL_FIELDS) {
    const column = columnOf(name);
    const value = record[column];
    if (value != null || isAlways(name)) event[name] = READERS[EVENT_FIELDS[name].kind](value, column);
  }
  return event as Omit<StoredEvent, 'leafHash'>;
}

function readText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw badInput(`record.${name}`, 'must be a text');
  checkText(value, `record.${name}`);
  return value;
}

function matching(value: unknown, form: RegExp, name: string): string {
  if (typeof value === 'string' && form.test(value)) return value;
  throw badInput(`record.${name}`, 'is not in the format of this field');
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

function readAddress(value: unknown, name: string): string {
  const address = plainAddress(readText(value, name));
  if (address === undefined) throw badInput(`record.${name}`, 'must be an IPv4 or IPv6 address');
  return address;
}

function readObject(value: unknown, name: string): JsonObject {
  return checkJsonObject(plainObject(value, `record.${name}`), `record.${name}`);
}
