/**
 * What a spreadsheet takes for the beginning of a formula: `=`, `+`, `-` and `@`, in their full-width and small forms
 * too, and the minus sign.
 */
const BEGINNING = /[=+\-@＝＋－＠﹦﹢﹣﹫−]/g;
// Spreadsheets drop blanks, characters that cannot be seen, and quotes before they look.
const DROPPED = /^[\s\p{C}"'`]$/u;
const LEADING = /^[\s\p{C}"'`,]*/u;
const LINE_BREAK_OR_TAB = /[\t\r\n]/;

/**
 * The text of a CSV cell in which no spreadsheet finds a formula. One rule: an apostrophe stands before everything that
 * reads as a formula at the beginning of a cell, whatever the reader takes for the end of a cell. Readers differ in
 * that: where the decimal sign is a comma, Excel splits lines at semicolons, and then neither quotes around the whole
 * cell nor an apostrophe at its beginning count; a line break within quotes ends a row there; text that is pasted is
 * split at tabs. So a formula can begin at the beginning of the text, after leading commas, and anywhere after a
 * semicolon, a tab or a line break. A comma further inside is safe: only a reader that splits at commas would split
 * there, and for that one the cell is in quotes. A text that begins with a tab or a line break gets an apostrophe too,
 * since some readers drop those (OWASP, CSV Injection).
 */
export function withoutFormulas(text: string): string {
  let safe = LINE_BREAK_OR_TAB.test(text.charAt(0)) ? "'" : '';
  let written = 0;
  let leading: number | undefined;
  // Found once: nothing but commas and what is dropped stands before the first of them alone.
  const isLeading = (index: number) => {
    leading ??= LEADING.exec(text)?.[0].length ?? 0;
    return leading === index;
  };
  for (const { index } of text.matchAll(BEGINNING)) {
    const start = cellStart(text, index, isLeading);
    if (start === undefined) continue;
    safe += `${text.slice(written, start)}'`;
    written = start;
  }
  return safe + text.slice(written);
}

// Where the apostrophe goes when a cell may begin before the character at `index`. Each character of the text is
// looked at once at most: the way back ends at the latest at the last character that could begin a formula.
function cellStart(text: string, index: number, isLeading: (index: number) => boolean): number | undefined {
  let start = index;
  let separator: number | undefined;
  while (start > 0) {
    const character = characterBefore(text, start);
    if (character === ';') return separator ?? start;
    if (character === ',' && separator === undefined) return isLeading(index) ? start : undefined;
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
