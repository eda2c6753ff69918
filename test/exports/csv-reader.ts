/** The records of a CSV text (RFC 4180, lines ended by LF or CRLF), each by the names of the first line. */
export function readCsv(text: string): Record<string, string>[] {
  const [names = [], ...rows] = rowsOf(text);
  return rows.map((fields) => {
    if (fields.length !== names.length) throw new Error(`${fields.length} fields: ${fields.join('|')}`);
    return Object.fromEntries(names.map((name, index) => [name, fields[index] ?? '']));
  });
}

// One field at a time: quoted, in which a quote is doubled, or plain, in which there is neither quote nor line end.
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/gy;

function rowsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let end = 0;
  for (const { 0: whole, 1: quoted, 2: plain = '', 3: after, index } of text.matchAll(FIELD)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    end = index + whole.length;
    if (after === ',') continue;
    rows.push(row);
    row = [];
  }
  if (end !== text.length)
    throw new Error(`not a CSV from character ${end} on: ${text.slice(end, end + 40)}`);
  return rows;
}
