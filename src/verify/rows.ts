import type { PoolClient } from 'pg';
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
import { TILE_WIDTH } from '../merkle/tile.ts';
import { isExactNumber, parseJson } from '../parse-json.ts';

/** The columns that `checkRow` wants. */
export const CHECKED_COLUMNS = `${EVENT_COLUMNS.sql}, search_words, masklen(ip_address) AS ip_bits`;

/** A row of `CHECKED_COLUMNS`. */
export type StoredRow = EventRow & { search_words: string[]; ip_bits: number | null };

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
  return mapFields(OBJECT_FIELDS, (name) => {
    const column = columnOf(name);
    const text = row[column];
    if (text === null && !isAlways(name)) return undefined;
    if (!text?.startsWith('{')) throw new TypeError(`${column} is not an object`);
    return parseJson(text) as JsonObject;
  });
}

function faultOf(row: StoredRow, event: AuditEvent): string | undefined {
  const words = row.search_words[0] === TEXT_START ? searchWords(event) : formerSearchWords(event);
  if (row.search_words.length !== words.length || words.some((word, at) => row.search_words[at] !== word))
    return 'its search_words are not those of its text';
  if (row.ip_bits !== null && row.ip_bits !== (row.ip_address?.includes(':') ? 128 : 32))
    return 'its ip_address is a block';
  const inexact = OBJECT_FIELDS.map(columnOf).find((column) => !hasExactNumbers(row[column] ?? ''));
  return inexact && `a number in its ${inexact} has digits that no event has`;
}

// Texts are skipped whole, so that digits inside of them do not count.
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g;
// Whatever has neither a fraction nor sixteen digits is exact.
const MAY_BE_INEXACT = /\d\.\d|\d{16}/;

/**
 * Whether every number in a text of `jsonb` is one that JavaScript prints: PostgreSQL keeps more digits than a double
 * has, and a number that differs only in those reads the same here while SQL tells it from the first.
 */
export function hasExactNumbers(json: string): boolean {
  if (!MAY_BE_INEXACT.test(json)) return true;
  for (const [token] of json.matchAll(TOKENS))
    if (!token.startsWith('"') && !isExactNumber(token)) return false;
  return true;
}

/** Events that are read at once: a whole number of tiles. */
const PAGE = 8 * TILE_WIDTH;

/** The checked rows from position `start` to `end`, the last left out, in order. */
export type ReadRows = (start: number, end: number) => Promise<CheckedRow[]>;

/** The rows beside one tile of level 0, in order; of a log that was tampered with, a position may occur twice. */
export interface RowBlock {
  index: number;
  rows: CheckedRow[];
}

/** Reads and checks rows in this thread. */
export function rowReader(client: PoolClient): ReadRows {
  const text = `SELECT ${CHECKED_COLUMNS} FROM audit_events WHERE position >= $1 AND position < $2
    ORDER BY audit_events.position`;
  return async (start, end) => {
    const { rows } = await client.query<StoredRow>(text, [start, end]);
    return rows.map(checkRow);
  };
}

/**
 * All rows of the log by blocks, those at positions that it cannot have too. `ahead` pages are read before they are
 * asked for. Where there is a gap, it is jumped over.
 */
export async function* readBlocks(
  client: PoolClient,
  read: ReadRows,
  ahead: number,
): AsyncGenerator<RowBlock, void> {
  let at = await nextPage(client, Number.MIN_SAFE_INTEGER);
  const pages: Promise<CheckedRow[]>[] = [];
  while (at !== undefined) {
    while (pages.length <= ahead) pages.push(readQuietly(read, at + pages.length * PAGE));
    const rows: CheckedRow[] = (await pages.shift()) ?? [];
    if (rows.length > 0) {
      yield* blocksOf(rows);
      at += PAGE;
    } else {
      pages.length = 0;
      at = await nextPage(client, at);
    }
  }
}

// A page that nobody waits for any more, because another failed first, must not end the process.
function readQuietly(read: ReadRows, start: number): Promise<CheckedRow[]> {
  const page = read(start, start + PAGE);
  page.catch(() => undefined);
  return page;
}

async function nextPage(client: PoolClient, start: number): Promise<number | undefined> {
  const { rows } = await client.query<{ position: number | null }>(
    'SELECT min(position) AS position FROM audit_events WHERE position >= $1',
    [start],
  );
  const position = rows[0]?.position ?? undefined;
  return position === undefined ? undefined : Math.floor(position / TILE_WIDTH) * TILE_WIDTH;
}

function blocksOf(rows: readonly CheckedRow[]): RowBlock[] {
  const blocks: RowBlock[] = [];
  for (const row of rows) {
    const index = Math.floor(row.position / TILE_WIDTH);
    const last = blocks.at(-1);
    if (last?.index === index) last.rows.push(row);
    else blocks.push({ index, rows: [row] });
  }
  return blocks;
}
