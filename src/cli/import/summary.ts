import type { FileTally, Reason, Tally } from './tally.ts';

const COUNTS = ['read', 'recorded', 'duplicates', 'filtered', 'unmapped', 'rejected', 'joined'] as const;

/** The summary of an import as text: a table by input, then every reason for which something is not in the log. */
export function summaryOf(tally: Tally, seconds: number, isDryRun = false): string {
  const files = [...tally.files.values()];
  const total = ['total', ...COUNTS.map((count) => String(tally.sum(count)))];
  const rows = [['file', ...COUNTS], ...files.map(rowOf), ...(files.length > 1 ? [total] : [])];
  const rate = Math.round(tally.sum('read') / Math.max(seconds, 0.001));
  const settled = COUNTS.slice(1).reduce((sum, count) => sum + tally.sum(count), 0);
  const unsent = tally.sum('read') - settled;
  return [
    ...table(rows),
    ...files.flatMap(troublesOf),
    ...(unsent > 0
      ? [`${isDryRun ? 'dry run, so not sent' : 'not sent, or without an answer'}: ${unsent} events`]
      : []),
    `${tally.sum('read')} records read in ${seconds.toFixed(1)} s (${rate}/s)`,
  ].join('\n');
}

function rowOf(file: FileTally): string[] {
  return [file.file, ...COUNTS.map((count) => String(file[count]))];
}

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function troublesOf(file: FileTally): string[] {
  const { file: name, failure } = file;
  return [
    ...(failure === undefined ? [] : [`failed: ${name}: ${failure}`]),
    ...reasons('unmapped', name, file.unmappedReasons),
    ...reasons('rejected', name, file.rejectedReasons),
    ...reasons("resource type kept for the log's own events", name, file.renamings),
    ...reasons('time', name, file.timeReasons),
    ...reasons('joined', name, file.joinedReasons),
    ...reasons('duplicate', name, file.differingReasons),
  ];
}

function reasons(kind: string, file: string, found: ReadonlyMap<string, Reason>): string[] {
  return [...found].map(([reason, { count, lines }]) => {
    if (count === 1) return `${kind}: ${file}:${lines[0]}: ${reason}`;
    const more = count > lines.length ? ', ...' : '';
    return `${kind}: ${file}: ${reason}: ${count} records (lines ${lines.join(', ')}${more})`;
  });
}
