import { stringify } from 'csv-stringify/sync';
import { canonicalJson } from '../../events/canonical.ts';
import { CANONICAL_FIELDS, columnOf, type JsonObject } from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';
import { CanonicalRows, leafHashOf, mostBytes, positionOf } from '../read/canonical-row.ts';
import type { BlockWriter } from './json.ts';

/** The columns before the last two, which are the position and the leaf hash. A CSV has no salt. */
const COLUMNS = CANONICAL_FIELDS.filter((name) => name !== 'salt').map((name) => columnOf(name));

type Members = Partial<Record<(typeof COLUMNS)[number], string | JsonObject>>;

/** The options of a CSV. */
export interface CsvOptions {
  delimiter: Delimiter;
  /** Whether the file starts with U+FEFF, by which Excel recognizes UTF-8. */
  byteOrderMark: boolean;
}

export const USUAL_CSV: CsvOptions = { delimiter: ',', byteOrderMark: false };

/** The header line of a CSV: the column names. */
export function csvHead({ delimiter, byteOrderMark }: CsvOptions): string {
  return `${byteOrderMark ? '\ufeff' : ''}${[...COLUMNS, 'position', 'leaf_hash'].join(delimiter)}\n`;
}

/** Writes lines of RFC 4180, each terminated by LF. Objects are in canonical form. No cell is a formula. */
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
      // Quotes cells with a lone CR, which many readers take for a line break, and with other delimiters that readers may use.
      const quoted_match = delimiter === ',' ? /[\r;\t]/ : /[\r,;\t|]/;
      return taken.length === 0 ? [] : [Buffer.from(stringify(taken, { delimiter, quoted_match }))];
    },
  };
}

function cellOf(value: string | JsonObject | undefined, guard: FormulaGuard): string {
  return typeof value === 'object' ? guard.json(canonicalJson(value)) : guard.text(value ?? '');
}

/**
 * The characters that start a formula in a spreadsheet: `=`, `+`, `-` and `@`, their full-width and small forms, and the
 * minus sign.
 */
const BEGINNING = /[=+\-@＝＋－＠﹦﹢﹣﹫−]/g;
// Spreadsheets skip blanks, invisible characters and quotes before a formula.
const DROPPED = /^[\s\p{C}"'`]$/u;
const LINE_BREAK_OR_TAB = /[\t\r\n]/;

/** The delimiters that a CSV may use. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** Escapes the text of a CSV cell so that no spreadsheet finds a formula in it. */
export interface FormulaGuard {
  text(text: string): string;
  /** Escapes the JSON text of a cell. The result is still JSON. */
  json(json: string): string;
}

/**
 * Puts an apostrophe before every text that is a formula at the start of a cell, for each way in which readers split cells.
 * Excel splits lines at semicolons where the decimal separator is a comma, and at commas elsewhere. A reader that splits at
 * another character than `delimiter` does not see the quotes of the whole cell, nor an apostrophe at its start; for it a line
 * break within quotes ends the row. Pasted text is split at tabs. So a formula can start at the start of the text, after
 * leading delimiters, and after any semicolon, comma, tab or line break. A delimiter within the text is safe: a reader that
 * splits there sees the quotes of the cell. A text that starts with a tab or a line break gets an apostrophe too, since some
 * readers drop these (OWASP, CSV Injection).
 */
export function createFormulaGuard(delimiter: Delimiter): FormulaGuard {
  // A tab splits cells for every reader.
  const own = delimiter === '\t' ? '' : delimiter;
  const others = [',', ';'].filter((one) => one !== delimiter).join('');
  const leadingPattern = new RegExp(`^[\\s\\p{C}"'\`${own}]*`, 'u');

  function text(text: string): string {
    let safe = LINE_BREAK_OR_TAB.test(text.charAt(0)) ? "'" : '';
    let written = 0;
    let leading: number | undefined;
    // Computed once: only the first match can have nothing but delimiters and skipped characters before it.
    const isLeading = (index: number) => {
      leading ??= leadingPattern.exec(text)?.[0].length ?? 0;
      return leading === index;
    };
    for (const { index } of text.matchAll(BEGINNING)) {
      const start = cellStart(text, index, { own, others, isLeading });
      if (start === undefined) continue;
      safe += `${text.slice(written, start)}'`;
      written = start;
    }
    return safe + text.slice(written);
  }

  return {
    text,
    // For a reader that does not split at commas, a formula lies within a JSON string. A number after a comma is followed by a
    // bracket or a comma, so it is not a formula.
    json: delimiter === ',' ? text : (json) => json.replace(JSON_TEXT, (_, inside) => `"${text(inside)}"`),
  };
}

const JSON_TEXT = /"([^"\\]*(?:\\.[^"\\]*)*)"/g;

// The index for the apostrophe, when a cell may start before the character at `index`. The search goes backward and ends at the
// previous character that could start a formula, so each character of the text is visited at most once.
function cellStart(
  text: string,
  index: number,
  { own, others, isLeading }: { own: string; others: string; isLeading: (index: number) => boolean },
): number | undefined {
  let start = index;
  let separator: number | undefined;
  while (start > 0) {
    const character = characterBefore(text, start);
    if (others.includes(character)) return separator ?? start;
    if (character === own && separator === undefined) return isLeading(index) ? start : undefined;
    if (!DROPPED.test(character)) return separator;
    if (LINE_BREAK_OR_TAB.test(character)) separator ??= start;
    start -= character.length;
  }
  return separator ?? 0;
}

function characterBefore(text: string, end: number): string {
  const isPair = end > 1 && /[\udc00-\udfff]/.test(text.charAt(end - 1));
  return text.slice(end - (isPair ? 2 : 1), end);
}
