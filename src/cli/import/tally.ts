import type { Fate } from './send.ts';

/** How many lines are named for each reason. */
const NAMED_LINES = 20;
/** How many different reasons are kept for a file; further ones are counted together. */
const KEPT_REASONS = 200;

export interface Reason {
  count: number;
  /** The first lines that it befell. */
  lines: number[];
}

interface Renamed {
  line: number;
  /** The resource type in the record. */
  renamed?: string;
  input: { resourceType?: string };
}

/** What became of one input. */
export interface FileTally {
  file: string;
  read: number;
  recorded: number;
  duplicates: number;
  filtered: number;
  unmapped: number;
  rejected: number;
  /** Records that are part of the event of another one, or that report nothing. */
  joined: number;
  /** The line of the last record that was read. */
  lastLine: number;
  unmappedReasons: Map<string, Reason>;
  rejectedReasons: Map<string, Reason>;
  /** Events that were given another resource type, by the change. */
  renamings: Map<string, Reason>;
  /** Duplicates whose content is not that of the event that was recorded first. */
  differingReasons: Map<string, Reason>;
  joinedReasons: Map<string, Reason>;
  /** What was decided about times that mean more than one, or none. */
  timeReasons: Map<string, Reason>;
  /** Why the input could not be read to its end. */
  failure?: string;
}

export type Count = 'read' | 'recorded' | 'duplicates' | 'filtered' | 'unmapped' | 'rejected' | 'joined';

/** Counts what becomes of the records of each input. */
export class Tally {
  readonly files = new Map<string, FileTally>();

  /** The counts of an input, made on first use. */
  of(file: string): FileTally {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const counts = { read: 0, recorded: 0, duplicates: 0, filtered: 0, unmapped: 0, rejected: 0, joined: 0 };
    const tally = {
      file,
      ...counts,
      lastLine: 0,
      unmappedReasons: new Map(),
      rejectedReasons: new Map(),
      differingReasons: new Map(),
      joinedReasons: new Map(),
      timeReasons: new Map(),
      renamings: new Map(),
    };
    this.files.set(file, tally);
    return tally;
  }

  unmapped(file: string, line: number, reason: string): void {
    const tally = this.of(file);
    tally.read += 1;
    tally.unmapped += 1;
    note(tally.unmappedReasons, reason, line);
  }

  /** An event that looks like the log's own is kept under another resource type. */
  renamed(file: string, { line, renamed = '', input }: Renamed): void {
    note(this.of(file).renamings, `"${renamed}" became "${input.resourceType}"`, line);
  }

  timed(file: string, line: number, decided: string): void {
    note(this.of(file).timeReasons, decided, line);
  }

  joined(file: string, line: number, reason: string): void {
    const tally = this.of(file);
    tally.read += 1;
    tally.joined += 1;
    note(tally.joinedReasons, reason, line);
  }

  settled(file: string, line: number, fate: Fate): void {
    const tally = this.of(file);
    if (fate === 'RECORDED') tally.recorded += 1;
    else if (fate === 'DUPLICATE') tally.duplicates += 1;
    else if (fate === 'FILTERED') tally.filtered += 1;
    else if ('differs' in fate) {
      tally.duplicates += 1;
      note(tally.differingReasons, fate.differs, line);
    } else {
      tally.rejected += 1;
      note(tally.rejectedReasons, fate.rejected, line);
    }
  }

  /** The sum over all inputs of one count. */
  sum(count: Count): number {
    let sum = 0;
    for (const tally of this.files.values()) sum += tally[count];
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
