import { canonicalEvent } from '../events/canonical.ts';
import {
  type AuditEvent,
  columnOf,
  isAlways,
  type JsonObject,
  mapFields,
  OBJECT_FIELDS,
} from '../events/fields.ts';
import { formerSearchWords, searchWords, TEXT_START } from '../events/search.ts';
import { EVENT_COLUMNS, type EventRow, eventOfRow, type RowObjects } from '../log/read/row.ts';
import { leafHash } from '../merkle/hash.ts';
import { isExactNumber, parseJson } from '../parse-json.ts';

/** The columns that `checkRow` needs: the words as one JSON text, since to read an array takes a fifth of the time of a row. */
export const CHECKED_COLUMNS = `${EVENT_COLUMNS}, pg_catalog.array_to_json(search_words)::text AS search_words,
  masklen(ip_address) AS ip_bits`;

/** A row of `CHECKED_COLUMNS`. */
export type StoredRow = EventRow & { search_words: string; ip_bits: number | null };

/** The result of checking a row by itself. */
export interface CheckedRow {
  position: number;
  /** The computed leaf hash; undefined when the row has values that no event can have. */
  leaf: Uint8Array | undefined;
  /** The leaf hash in the row. */
  storedLeaf: Uint8Array;
  customerId: string | undefined;
  /** What is wrong with the columns that are not part of the canonical form. */
  fault: string | undefined;
}

/** Computes the leaf hash of a row, and checks its derived columns. */
export function checkRow(row: StoredRow): CheckedRow {
  const { position } = row;
  const storedLeaf = Buffer.from(row.leafHash, 'hex');
  const customerId = row.customerId ?? undefined;
  try {
    const event = eventOfRow(row, objectsOf(row));
    const leaf = leafHash(canonicalEvent(event));
    return { position, leaf, storedLeaf, customerId, fault: faultOf(row, event) };
  } catch {
    return { position, leaf: undefined, storedLeaf, customerId, fault: undefined };
  }
}

// Checked by the first character: an array would pass for an object, and a JSON null for no value.
/** The parsed objects of a row. Throws a TypeError when one of them is not an object. */
export function objectsOf(row: EventRow): RowObjects {
  return mapFields(OBJECT_FIELDS, (name) => {
    const text = row[name];
    if (text === null && !isAlways(name)) return undefined;
    if (!text?.startsWith('{')) throw new TypeError(`${columnOf(name)} is not an object`);
    return parseJson(text) as JsonObject;
  });
}

const FIRST_TEXT = `["${TEXT_START}"`;

function faultOf(row: StoredRow, event: AuditEvent): string | undefined {
  const words = row.search_words.startsWith(FIRST_TEXT) ? searchWords(event) : formerSearchWords(event);
  if (row.search_words !== JSON.stringify(words)) return 'its search_words are not those of its text';
  if (row.ip_bits !== null && row.ip_bits !== (row.ipAddress?.includes(':') ? 128 : 32))
    return 'its ip_address is a block';
  const inexact = OBJECT_FIELDS.find((name) => !hasExactNumbers(row[name] ?? ''));
  return inexact && `a number in its ${columnOf(inexact)} has digits that no event has`;
}

// Matches whole texts too, so that digits in them do not count as numbers.
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g;
// A JSON text without a fraction and without 16 digits in a row has only exact numbers.
const MAY_BE_INEXACT = /\d\.\d|\d{16}/;

/**
 * Whether every number in a text of `jsonb` is one that JavaScript prints. PostgreSQL keeps more digits than a double has:
 * two numbers that differ only in those are equal in JavaScript and different in SQL.
 */
export function hasExactNumbers(json: string): boolean {
  if (!MAY_BE_INEXACT.test(json)) return true;
  for (const [token] of json.matchAll(TOKENS))
    if (!token.startsWith('"') && !isExactNumber(token)) return false;
  return true;
}
