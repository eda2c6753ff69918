import { stringify } from 'csv-stringify/sync';
import { canonicalJson } from '../../events/canonical.ts';
import { CANONICAL_FIELDS, columnOf, type JsonObject } from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';
import { CanonicalRows, leafHashOf, mostBytes, positionOf } from '../read/canonical-row.ts';
import type { BlockWriter } from './json.ts';

/** The columns, beside the position and the leaf hash, which are the last; the salt is of no use in a table. */
const COLUMNS = CANONICAL_FIELDS.filter((name) => name !== 'salt').map((name) => columnOf(name));

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

/**
 * What a spreadsheet takes for the beginning of a formula: `=`, `+`, `-` and `@`, in their full-width and small forms
 * too, and the minus sign.
 */
const BEGINNING = /[=+\-@＝＋－＠﹦﹢﹣﹫−]/g;
// Spreadsheets drop blanks, characters that cannot be seen, and quotes before they look.
const DROPPED = /^[\s\p{C}"'`]$/u;
const LINE_BREAK_OR_TAB = /[\t\r\n]/;

/** What may stand between the cells of a CSV. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** Makes the text of a CSV cell one in which no spreadsheet finds a formula. */
export interface FormulaGuard {
  text(text: string): string;
  /** Likewise the JSON text of a cell, which stays JSON. */
  json(json: string): string;
}

/**
 * One rule: an apostrophe stands before everything that reads as a formula at the beginning of a cell, whatever the reader
 * takes for the end of a cell. Readers differ in that: where the decimal sign is a comma, Excel splits lines at semicolons,
 * elsewhere at commas, and a line that is split at another character than `delimiter` has neither quotes around the whole
 * cell nor an apostrophe at its beginning that would count; a line break within quotes ends a row there; text that is
 * pasted is split at tabs. So a formula can begin at the beginning of the text, after leading delimiters, and anywhere after
 * a semicolon, a comma, a tab or a line break. The delimiter itself is safe further inside: only a reader that splits at it
 * would split there, and for that one the cell is in quotes. A text that begins with a tab or a line break gets an
 * apostrophe too, since some readers drop those (OWASP, CSV Injection).
 */
export function createFormulaGuard(delimiter: Delimiter): FormulaGuard {
  // A tab divides in any case.
  const own = delimiter === '\t' ? '' : delimiter;
  const others = [',', ';'].filter((one) => one !== delimiter).join('');
  const leadingPattern = new RegExp(`^[\\s\\p{C}"'\`${own}]*`, 'u');

  function text(text: string): string {
    let safe = LINE_BREAK_OR_TAB.test(text.charAt(0)) ? "'" : '';
    let written = 0;
    let leading: number | undefined;
    // Found once: nothing but delimiters and what is dropped stands before the first of them alone.
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
    // Where JSON has no commas for a reader, all of a formula stands within a text. A number after a comma is followed by
    // a bracket or a comma, and is none.
    json: delimiter === ',' ? text : (json) => json.replace(JSON_TEXT, (_, inside) => `"${text(inside)}"`),
  };
}

const JSON_TEXT = /"([^"\\]*(?:\\.[^"\\]*)*)"/g;

// Where the apostrophe goes when a cell may begin before the character at `index`. Each character of the text is
// looked at once at most: the way back ends at the latest at the last character that could begin a formula.
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
