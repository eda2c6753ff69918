import { parseTimestamp } from '../../db/client-with-deadlines.ts';
import { Prisma } from '../../db/generated/client.ts';
import { canonicalAddress } from '../../events/address.ts';
import {
  type AlwaysField,
  type AuditEvent,
  type Column,
  columnOf,
  EMPTY_EVENT,
  EVENT_FIELDS,
  type JsonObject,
  type Kind,
  mapFields,
  OBJECT_FIELDS,
  type ObjectField,
  STORED_FIELDS,
  type StoredField,
  type ValueOf,
} from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';

// 64-bit numbers, times, bytes and JSON, which Prisma would convert (JSON by `JSON.parse`), are read as text or as a float, which
// is exact for every position, and are converted below.
const AS_TEXT = (column: string) => `"${column}"::text AS "${column}"`;
const AS_HEX = (column: string) => `encode("${column}", 'hex') AS "${column}"`;
const SELECTED: Partial<Record<Kind, (column: string) => string>> = {
  position: (column) => `"${column}"::float8 AS "${column}"`,
  time: AS_TEXT,
  object: AS_TEXT,
  salt: AS_HEX,
  hash: AS_HEX,
  address: (column) => `host("${column}") AS "${column}"`,
};

/** The select expression of each column of an event, in the order in which all statements read them. */
const COLUMNS = STORED_FIELDS.map((name) => {
  const column = columnOf(name);
  return { name, selected: SELECTED[EVENT_FIELDS[name].kind]?.(column) ?? `"${column}"` };
});

/** The columns of an event. An ORDER BY has to name the table, since the select expressions have the names of its columns. */
export const EVENT_COLUMNS = Prisma.raw(COLUMNS.map(({ selected }) => selected).join(', '));

/**
 * The first position of the log at the time of the statement. Rows before it stay stored until a purge has removed them.
 * Readers must not see them.
 */
export const FIRST_POSITION = Prisma.sql`(SELECT first_position FROM log_head)::float8 AS first_position`;

/** The columns of an event, and the first position of the log when it was read. */
export const READ_COLUMNS = Prisma.sql`${EVENT_COLUMNS}, ${FIRST_POSITION}`;

/** Whether an event has a field of this name that is read from a column. */
export function isEventField(name: string): boolean {
  return (STORED_FIELDS as readonly string[]).includes(name);
}

/**
 * The columns of these fields, of id, position and timestamp, and the first position of the log. Unknown names are ignored.
 * Undefined: the columns of all fields.
 */
export function columnsOf(fields: ReadonlySet<string> | undefined): Prisma.Sql {
  if (!fields) return READ_COLUMNS;
  const made = columnsByFields.get(fields) ?? makeColumns(fields);
  columnsByFields.set(fields, made);
  return made;
}

// An operation that is executed again passes the same set.
const columnsByFields = new WeakMap<ReadonlySet<string>, Prisma.Sql>();

function makeColumns(fields: ReadonlySet<string>): Prisma.Sql {
  const columns = COLUMNS.filter(({ name }) => ALWAYS.includes(name) || fields.has(name));
  return Prisma.sql`${Prisma.raw(columns.map(({ selected }) => selected).join(', '))}, ${FIRST_POSITION}`;
}

const ALWAYS = ['position', 'id', 'timestamp'];

/** A row, and the first position of the log when it was read. */
export interface ReadRow extends EventRow {
  first_position: number;
}

/** Whether no purge has announced the removal of the row. */
export function isVisible({ position, first_position }: ReadRow): boolean {
  return position >= first_position;
}

/** A row of `EVENT_COLUMNS`. */
export type EventRow = { [N in AlwaysField & StoredField as Column<N>]: Read<N> } & {
  [N in Exclude<StoredField, AlwaysField> as Column<N>]: Read<N> | null;
};
/** The type of a selected value: hashes in hex, times and objects as PostgreSQL prints them. */
type Read<N extends StoredField> =
  ValueOf<N> extends number
    ? N extends 'position'
      ? number
      : string
    : ValueOf<N> extends string
      ? ValueOf<N>
      : string;

/** The parsed objects of a row. */
export type RowObjects = Record<ObjectField, JsonObject | undefined>;

// The conversion of selected values by kind. Values of other kinds need none.
const CONVERTERS: Partial<Record<Kind, (text: string) => unknown>> = {
  time: parseTimestamp,
  hash: fromHex,
  address: addressOf,
};
const STEPS = STORED_FIELDS.filter((name) => EVENT_FIELDS[name].kind !== 'object').map((name) => ({
  name,
  column: columnOf(name),
  convert: CONVERTERS[EVENT_FIELDS[name].kind],
}));

/**
 * Makes the event of a row. A row with fewer columns makes an event with fewer fields. Absent fields are set to undefined, since
 * objects of one shape are faster to use.
 */
export function eventOfRow(row: EventRow, objects: RowObjects = objectsOf(row)): AuditEvent {
  const event: Record<string, unknown> = { ...EMPTY_EVENT };
  for (const { name, column, convert } of STEPS) {
    const value = row[column];
    if (value != null) event[name] = convert ? convert(value as string) : value;
  }
  for (const name of OBJECT_FIELDS) event[name] = objects[name];
  return event as AuditEvent;
}

function objectsOf(row: EventRow): RowObjects {
  const objects = { ...NO_OBJECTS };
  for (const { name, column } of OBJECTS) {
    const text = row[column];
    if (text != null) objects[name] = parseJson(text) as JsonObject;
  }
  return objects;
}

const OBJECTS = OBJECT_FIELDS.map((name) => ({ name, column: columnOf(name) }));
const NO_OBJECTS: RowObjects = mapFields(OBJECT_FIELDS, () => undefined);

function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** The canonical form of an address that PostgreSQL printed. PostgreSQL prints some IPv6 addresses differently than RFC 5952. */
export function addressOf(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : text;
}
