import { stringify } from 'csv-stringify/sync';
import { canonicalJson } from '../events/canonical.ts';
import type { JsonObject } from '../events/event.ts';
import { CanonicalRows, leafHashOf, mostBytes, positionOf } from '../log/canonical-row.ts';
import { parseJson } from '../parse-json.ts';
import { createFormulaGuard, type Delimiter, type FormulaGuard } from './formulas.ts';
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

/** How a CSV is written. */
export interface CsvOptions {
  delimiter: Delimiter;
  /** Whether it begins with U+FEFF, by which Excel knows UTF-8. */
  byteOrderMark: boolean;
}

export const USUAL_CSV: CsvOptions = { delimiter: ',', byteOrderMark: false };

/** The first line of a CSV: the names of its columns. */
export function csvHead({ delimiter, byteOrderMark }: CsvOptions): string {
  return `${byteOrderMark ? '\ufeff' : ''}${[...COLUMNS, 'position', 'leaf_hash'].join(delimiter)}\n`;
}

/** Writes lines of RFC 4180, each ended by LF. Objects are in their canonical form; nothing is a formula. */
export function createCsvWriter({ delimiter }: CsvOptions): BlockWriter {
  const canonical = new CanonicalRows();
  const guard = createFormulaGuard(delimiter);
  let lines: (string | number)[][] = [];
  return {
    row(row) {
      const space = Buffer.allocUnsafe(mostBytes(row.length));
      const record = parseJson(space.toString('utf8', 0, canonical.write(row, space, 0))) as Members;
      const values = COLUMNS.map((column) => cellOf(record[column], guard));
      lines.push([...values, positionOf(row), leafHashOf(row).toString('hex')]);
    },
    take() {
      const taken = lines;
      lines = [];
      // A return alone ends a line for many readers, though not for the writer; others split at semicolons and tabs too.
      const quoted_match = delimiter === ',' ? /[\r;\t]/ : /[\r,;\t|]/;
      return taken.length === 0 ? [] : [Buffer.from(stringify(taken, { delimiter, quoted_match }))];
    },
  };
}

function cellOf(value: string | JsonObject | undefined, guard: FormulaGuard): string {
  return typeof value === 'object' ? guard.json(canonicalJson(value)) : guard.text(value ?? '');
}
