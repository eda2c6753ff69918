/** The records of a CSV text (RFC 4180, lines ended by LF or CRLF), each by the names of the first line. */
export function readCsv(text: string, delimiter = ','): Record<string, string>[] {
  const [names = [], ...rows] = rowsOf(text, delimiter);
  return rows.map((fields) => {
    if (fields.length !== names.length) throw new Error(`${fields.length} fields: ${fields.join('|')}`);
    return Object.fromEntries(names.map((name, index) => [name, fields[index] ?? '']));
  });
}

// One field at a time: quoted, in which a quote is doubled, or plain, in which there is neither quote nor line end.
const fieldOf = (delimiter: string) =>
  new RegExp(`(?:"((?:[^"]|"")*)"|([^"${delimiter}\\r\\n]*))([${delimiter}]|\\r?\\n)`, 'gy');

function rowsOf(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let end = 0;
  for (const { 0: whole, 1: quoted, 2: plain = '', 3: after, index } of text.matchAll(fieldOf(delimiter))) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    end = index + whole.length;
    if (after === delimiter) continue;
    rows.push(row);
    row = [];
  }
  if (end !== text.length)
    throw new Error(`not a CSV from character ${end} on: ${text.slice(end, end + 40)}`);
  return rows;
}
