import type { EventResult } from './send.ts';

/** The most lines that are listed for each reason. */
const NAMED_LINES = 20;
/** The most reasons that are kept for an input; further ones are counted together. */
const KEPT_REASONS = 200;

export interface Reason {
  count: number;
  /** The first lines with this reason. */
  lines: number[];
}

interface Renamed {
  line: number;
  /** The resource type of the record. */
  renamed?: string;
  input: { resourceType?: string };
}

/** The results of one input. */
export interface InputCounts {
  file: string;
  read: number;
  recorded: number;
  duplicates: number;
  filtered: number;
  unmapped: number;
  rejected: number;
  /** Records that are part of the event of another record, or that report nothing. */
  joined: number;
  /** The line of the last record that was read. */
  lastLine: number;
  unmappedReasons: Map<string, Reason>;
  rejectedReasons: Map<string, Reason>;
  /** Events with a renamed resource type, by the change. */
  renamings: Map<string, Reason>;
  /** Duplicates whose content differs from the recorded event. */
  differingReasons: Map<string, Reason>;
  joinedReasons: Map<string, Reason>;
  /** Decisions about local times that occur twice or not at all. */
  timeReasons: Map<string, Reason>;
  /** Why the input could not be read to its end. */
  failure?: string;
}

export type CountName = 'read' | 'recorded' | 'duplicates' | 'filtered' | 'unmapped' | 'rejected' | 'joined';

/** Counts the results of the records of each input. */
export class ImportCounts {
  readonly files = new Map<string, InputCounts>();

  /** The counts of an input, made on first use. */
  of(file: string): InputCounts {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const counts = {
      file,
      read: 0,
      recorded: 0,
      duplicates: 0,
      filtered: 0,
      unmapped: 0,
      rejected: 0,
      joined: 0,
      lastLine: 0,
      unmappedReasons: new Map(),
      rejectedReasons: new Map(),
      differingReasons: new Map(),
      joinedReasons: new Map(),
      timeReasons: new Map(),
      renamings: new Map(),
    };
    this.files.set(file, counts);
    return counts;
  }

  /** Counts a record that is no event. */
  addUnmapped(file: string, line: number, reason: string): void {
    const counts = this.of(file);
    counts.read += 1;
    counts.unmapped += 1;
    note(counts.unmappedReasons, reason, line);
  }

  /** Counts an event whose reserved resource type was renamed. */
  addRenamed(file: string, { line, renamed = '', input }: Renamed): void {
    note(this.of(file).renamings, `"${renamed}" became "${input.resourceType}"`, line);
  }

  /** Counts an event with a decision about its local time. */
  addTimeNote(file: string, line: number, decided: string): void {
    note(this.of(file).timeReasons, decided, line);
  }

  /** Counts a record that is part of the event of another record, or that reports nothing. */
  addJoined(file: string, line: number, reason: string): void {
    const counts = this.of(file);
    counts.read += 1;
    counts.joined += 1;
    note(counts.joinedReasons, reason, line);
  }

  /** Counts the result of an event that was sent. */
  addResult(file: string, line: number, result: EventResult): void {
    const counts = this.of(file);
    if (result === 'RECORDED') counts.recorded += 1;
    else if (result === 'DUPLICATE') counts.duplicates += 1;
    else if (result === 'FILTERED') counts.filtered += 1;
    else if ('differs' in result) {
      counts.duplicates += 1;
      note(counts.differingReasons, result.differs, line);
    } else {
      counts.rejected += 1;
      note(counts.rejectedReasons, result.rejected, line);
    }
  }

  /** The sum over all inputs of one count. */
  sum(count: CountName): number {
    let sum = 0;
    for (const counts of this.files.values()) sum += counts[count];
    return sum;
  }

  /** Whether everything that was read became an event of the log. */
  get complete(): boolean {
    const failed = [...this.files.values()].some(({ failure }) => failure !== undefined);
    return !failed && this.sum('unmapped') === 0 && this.sum('rejected') === 0;
  }
}

function note(reasons: Map<string, Reason>, reason: string, line: number): void {
  const key = reasons.has(reason) || reasons.size < KEPT_REASONS ? reason : 'other reasons';
  const known = reasons.get(key) ?? { count: 0, lines: [] };
  known.count += 1;
  if (known.lines.length < NAMED_LINES) known.lines.push(line);
  reasons.set(key, known);
}

const COUNTS = ['read', 'recorded', 'duplicates', 'filtered', 'unmapped', 'rejected', 'joined'] as const;

/** The summary of an import as text: a table of the inputs, then the reasons for records that are not in the log. */
export function summaryOf(counts: ImportCounts, seconds: number, isDryRun = false): string {
  const files = [...counts.files.values()];
  const total = ['total', ...COUNTS.map((count) => String(counts.sum(count)))];
  const rows = [['file', ...COUNTS], ...files.map(rowOf), ...(files.length > 1 ? [total] : [])];
  const rate = Math.round(counts.sum('read') / Math.max(seconds, 0.001));
  const settled = COUNTS.slice(1).reduce((sum, count) => sum + counts.sum(count), 0);
  const unsent = counts.sum('read') - settled;
  return [
    ...table(rows),
    ...files.flatMap(problemsOf),
    ...(unsent > 0
      ? [`${isDryRun ? 'dry run, so not sent' : 'not sent, or without an answer'}: ${unsent} events`]
      : []),
    `${counts.sum('read')} records read in ${seconds.toFixed(1)} s (${rate}/s)`,
  ].join('\n');
}

function rowOf(file: InputCounts): string[] {
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

function problemsOf(file: InputCounts): string[] {
  const { file: name, failure } = file;
  return [
    ...(failure === undefined ? [] : [`failed: ${name}: ${failure}`]),
    ...reasons('unmapped', name, file.unmappedReasons),
    ...reasons('rejected', name, file.rejectedReasons),
    ...reasons("resource type reserved for the log's own events", name, file.renamings),
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
