import { canonicalEvent } from '../../events/canonical-event.ts';
import type { AuditEvent, JsonObject } from '../../events/event.ts';
import { formerSearchWords, searchWords, TEXT_START } from '../../events/words.ts';
import { EVENT_COLUMNS, type EventRow, eventOfRow, type RowObjects } from '../../log/row.ts';
import { leafHash } from '../../merkle/hash.ts';
import { parseJson } from '../../parse-json.ts';
import { hasExactNumbers } from './exact-numbers.ts';

/** The columns that `checkRow` wants. */
export const CHECKED_COLUMNS = `${EVENT_COLUMNS.sql}, search_words, masklen(ip_address) AS ip_bits`;

const OBJECTS = ['details', 'old_values', 'new_values'] as const;

/** A row of `CHECKED_COLUMNS`. */
export interface StoredRow extends EventRow {
  search_words: string[];
  ip_bits: number | null;
}

/** What a row says of itself. */
export interface CheckedRow {
  position: number;
  /** The hash of its canonical bytes, computed anew; undefined when it has none, for no event has such values. */
  leaf: Uint8Array | undefined;
  /** The hash that stands in the row. */
  storedLeaf: Uint8Array;
  customerId: string | undefined;
  /** What is wrong with the columns that the canonical bytes do not show. */
  fault: string | undefined;
}

/** Hashes a row anew and checks what is derived from it. */
export function checkRow(row: StoredRow): CheckedRow {
  const { position } = row;
  const storedLeaf = Buffer.from(row.leaf_hash, 'hex');
  const customerId = row.customer_id ?? undefined;
  try {
    const event = eventOfRow(row, objectsOf(row));
    const leaf = leafHash(canonicalEvent(event));
    return { position, leaf, storedLeaf, customerId, fault: faultOf(row, event) };
  } catch {
    return { position, leaf: undefined, storedLeaf, customerId, fault: undefined };
  }
}

// An array has keys like an object, and a null reads like no value: both would pass for what they are not.
/** The objects of a row, parsed. Throws a TypeError when one is none. */
export function objectsOf(row: EventRow): RowObjects {
  const [details, oldValues, newValues] = OBJECTS.map((column) => {
    const text = row[column];
    if (text === null) return undefined;
    if (!text.startsWith('{')) throw new TypeError(`${column} is not an object`);
    return parseJson(text) as JsonObject;
  });
  if (!details) throw new TypeError('details are not an object');
  return { details, old_values: oldValues, new_values: newValues };
}

function faultOf(row: StoredRow, event: AuditEvent): string | undefined {
  const words = row.search_words[0] === TEXT_START ? searchWords(event) : formerSearchWords(event);
  if (row.search_words.length !== words.length || words.some((word, at) => row.search_words[at] !== word))
    return 'its search_words are not those of its text';
  if (row.ip_bits !== null && row.ip_bits !== (row.ip_address?.includes(':') ? 128 : 32))
    return 'its ip_address is a block';
  const inexact = OBJECTS.find((column) => !hasExactNumbers(row[column] ?? ''));
  return inexact && `a number in its ${inexact} has digits that no event has`;
}
