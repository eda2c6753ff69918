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
