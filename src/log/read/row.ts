import { parseTimestamp } from '../../db/client-with-deadlines.ts';
import { Prisma } from '../../db/generated/client.ts';
import { canonicalAddress } from '../../events/address.ts';
import {
  type AlwaysField,
  type AuditEvent,
  columnOf,
  EVENT_FIELDS,
  isAlways,
  type JsonObject,
  type Kind,
  type ObjectField,
  STORED_FIELDS,
  type StoredField,
  type ValueOf,
} from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';

// 64-bit numbers, times, bytes and JSON, which Prisma would convert (JSON by `JSON.parse`), are read as text or as a float, which
// is exact for every position, and are converted below.
const AS_TEXT = (column: string) => `${column}::text`;
const AS_HEX = (column: string) => `encode(${column}, 'hex')`;
const VALUES: Partial<Record<Kind, (column: string) => string>> = {
  position: (column) => `${column}::float8`,
  time: AS_TEXT,
  object: AS_TEXT,
  salt: AS_HEX,
  hash: AS_HEX,
  address: (column) => `host(${column})`,
};

/** The select expression of each field of an event, under the name of the field, in the order in which all statements read them. */
const COLUMNS = STORED_FIELDS.map((name) => {
  const column = columnOf(name);
  const value = VALUES[EVENT_FIELDS[name].kind]?.(`"${column}"`) ?? `"${column}"`;
  return { name, selected: `${value} AS "${name}"` };
});

/** All fields of an event. An ORDER BY has to name the table, since some select expressions have the names of its columns. */
export const EVENT_COLUMNS = COLUMNS.map(({ selected }) => selected).join(', ');

// Rows before the first position stay stored until a purge has removed them. Readers must not see them.
const ID_IF_VISIBLE = 'CASE WHEN position >= (SELECT first_position FROM log_head) THEN id END AS id';

/** Whether an event has a field of this name that is read from a column. */
export function isEventField(name: string): boolean {
  return (STORED_FIELDS as readonly string[]).includes(name);
}

/** Some fields of events: how they are read. */
export interface Selection {
  /** Their select expressions. */
  columns: Prisma.Sql;
  /** Makes the events of the rows, and leaves out the rows that `isVisible` refuses. The rows are changed. */
  eventsOf(rows: readonly ReadRow[]): AuditEvent[];
}

/** A row of the columns of a selection. Without an id: a purge has announced its removal. */
export type ReadRow = Omit<EventRow, 'id'> & { id: string | null };

/** Whether no purge has announced the removal of the row. */
export function isVisible({ id }: ReadRow): boolean {
  return id !== null;
}

/** How these fields are read, and with them id, position and timestamp. Unknown names are ignored. Undefined: all fields. */
export function selectionOf(fields: ReadonlySet<string> | undefined): Selection {
  if (!fields) return ALL_FIELDS;
  const made =
    selections.get(fields) ?? makeSelection((name) => NEEDED_FIELDS.includes(name) || fields.has(name));
  selections.set(fields, made);
  return made;
}

// An operation that is executed again passes the same set.
const selections = new WeakMap<ReadonlySet<string>, Selection>();

// Every event has them, whichever fields were asked for: cursors, the look-up by id and the audit of reads need them.
const NEEDED_FIELDS = ['position', 'id', 'timestamp'];

function makeSelection(isSelected: (name: StoredField) => boolean): Selection {
  const columns = COLUMNS.filter(({ name }) => isSelected(name)).map(({ name, selected }) =>
    name === 'id' ? ID_IF_VISIBLE : selected,
  );
  const toEvent = converterOf(STORED_FIELDS.filter(isSelected));
  return {
    columns: Prisma.raw(columns.join(', ')),
    eventsOf: (rows) => rows.filter(isVisible).map((row) => toEvent(row as EventRow)),
  };
}

/** A row of `EVENT_COLUMNS`: hashes in hex, times and objects as PostgreSQL prints them. */
export type EventRow = { [N in StoredField]: Read<N> | (N extends AlwaysField ? never : null) };
type Read<N extends StoredField> =
  ValueOf<N> extends number
    ? N extends 'position'
      ? number
      : string
    : ValueOf<N> extends string
      ? ValueOf<N>
      : string;

// The conversion of selected values by kind. Values of other kinds need none.
const CONVERTERS: Partial<Record<Kind, (text: string) => unknown>> = {
  time: parseTimestamp,
  hash: fromHex,
  address: addressOf,
  object: parseJson,
};

/**
 * How a row of these fields becomes an event: in place. Of the thousands of values of a page few are converted, and a copy
 * would touch all.
 */
function converterOf(fields: readonly StoredField[]): (row: EventRow) => AuditEvent {
  const optional = fields.filter((name) => !isAlways(name));
  const converted = fields.flatMap((name) => {
    const convert = CONVERTERS[EVENT_FIELDS[name].kind];
    return convert ? [{ name, convert }] : [];
  });
  return (row) => {
    const event = row as Record<StoredField, unknown>;
    for (const name of optional) if (event[name] === null) event[name] = undefined;
    for (const { name, convert } of converted) {
      const value = event[name];
      if (value !== undefined) event[name] = convert(value as string);
    }
    return row as unknown as AuditEvent;
  };
}

const ALL_FIELDS = makeSelection(() => true);

const toScalars = converterOf(STORED_FIELDS.filter((name) => EVENT_FIELDS[name].kind !== 'object'));

/** The parsed objects of a row. */
export type RowObjects = Record<ObjectField, JsonObject | undefined>;

/** The event of a row of `EVENT_COLUMNS`, with these objects. */
export function eventOfRow(row: EventRow, objects: RowObjects): AuditEvent {
  return Object.assign(toScalars({ ...row }), objects);
}

function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** The canonical form of an address that PostgreSQL printed. PostgreSQL prints some IPv6 addresses differently than RFC 5952. */
export function addressOf(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : text;
}
