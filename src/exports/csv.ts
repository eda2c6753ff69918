import { stringify } from 'csv-stringify/sync';
import { canonicalJson } from '../events/canonical.ts';
import type { JsonObject } from '../events/event.ts';
import { CanonicalRows, leafHashOf, mostBytes, positionOf } from '../log/canonical-row.ts';
import { parseJson } from '../parse-json.ts';
import { withoutFormulas } from './formulas.ts';
import type { BlockWriter } from './lines.ts';

const COLUMNS = [
  'id',
  'timestamp',
  'event_type',
  'outcome',
  'severity',
  'user_id',
  'customer_id',
  'resource_type',
  'resource_id',
  'action',
  'description',
  'ip_address',
  'session_id',
  'user_agent',
  'request_id',
  'details',
  'old_values',
  'new_values',
  'recorded_at',
] as const;

type Members = Partial<Record<(typeof COLUMNS)[number], string | JsonObject>>;

/** The first line of a CSV: the names of its columns. */
export const CSV_HEAD = `${[...COLUMNS, 'position', 'leaf_hash'].join(',')}\n`;

/** Writes lines of RFC 4180, each ended by LF. Objects are in their canonical form; nothing is a formula. */
export function createCsvWriter(): BlockWriter {
  const canonical = new CanonicalRows();
  let lines: (string | number)[][] = [];
  return {
    row(row) {
      const space = Buffer.allocUnsafe(mostBytes(row.length));
      const record = parseJson(space.toString('utf8', 0, canonical.write(row, space, 0))) as Members;
      const values = COLUMNS.map((column) => withoutFormulas(textOf(record[column])));
      lines.push([...values, positionOf(row), leafHashOf(row).toString('hex')]);
    },
    take() {
      const taken = lines;
      lines = [];
      // A return alone ends a line for many readers, though not for the writer; others split at semicolons and tabs too.
      return taken.length === 0 ? [] : [Buffer.from(stringify(taken, { quoted_match: /[\r;\t]/ }))];
    },
  };
}

function textOf(value: string | JsonObject | undefined): string {
  return typeof value === 'object' ? canonicalJson(value) : (value ?? '');
}
