import type { IntegrityProblem } from '../evidence/integrity-alarms.ts';
import type { TreeName } from '../evidence/trees.ts';
import type { CheckedRow } from './rows.ts';

/**
 * What can be wrong with a stored log. Of events: `changed` (a column is not what was appended), `missing`, `extra`
 * (a row that was not appended), `out of order` (a row holds the event of another position). Of the evidence: `tile`,
 * `tree`, `head`, `checkpoint`, `identity`. `truncated`: a saved checkpoint is of a larger log than is there. `different`:
 * one of these about events, where it cannot be told which. Of what is derived from the log: `idempotency key`, `summary`
 * (counts behind summaries). `catalog`: functions, triggers, policies or privileges are not as the migrations left them.
 */
export type FindingKind =
  | IntegrityProblem
  | 'extra'
  | 'truncated'
  | 'different'
  | 'identity'
  | 'idempotency key'
  | 'summary'
  | 'catalog';

/** Something that is wrong, and where, as far as that is known. */
export interface Finding {
  kind: FindingKind;
  message: string;
  /** The event's. */
  position?: number | undefined;
  tree?: TreeName | undefined;
  /** The tile's. */
  level?: number | undefined;
  index?: number | undefined;
  /** The checkpoint's. */
  treeSize?: number | undefined;
}

/** The first of its kind, and how many of the kind there are. */
export interface CountedFinding extends Finding {
  count: number;
}

// What happened to the events comes first: the evidence about them is wrong as a consequence, or beside it.
const ORDER: readonly FindingKind[] = [
  'changed',
  'missing',
  'out of order',
  'extra',
  'truncated',
  'different',
  'tile',
  'tree',
  'head',
  'checkpoint',
  'identity',
  'idempotency key',
  'summary',
  'catalog',
];

// Of the log itself, by which everything that is derived from it is judged.
const OF_LOG: readonly FindingKind[] = [
  'changed',
  'missing',
  'out of order',
  'extra',
  'truncated',
  'different',
  'head',
];

const OF_EVENTS = ['changed', 'missing', 'out of order', 'extra', 'truncated', 'different'] as const;

/** Keeps the first finding of each kind and counts the others. */
export class Findings {
  readonly #first = new Map<FindingKind, CountedFinding>();

  /** Takes a finding that stands for `count` of its kind. */
  add(finding: Finding, count = 1): void {
    const known = this.#first.get(finding.kind);
    if (!known) return void this.#first.set(finding.kind, { ...finding, count });
    const isEarlier = (finding.position ?? Infinity) < (known.position ?? Infinity);
    const first = isEarlier ? finding : known;
    this.#first.set(finding.kind, { ...first, count: known.count + count });
  }

  addAll(others: Findings): void {
    for (const { count, ...finding } of others.list()) this.add(finding, count);
  }

  /** Whether something is wrong with the events or the head, so that what is derived from them cannot be judged. */
  isLogWrong(): boolean {
    return OF_LOG.some((kind) => this.#first.has(kind));
  }

  /** Whether something is wrong with events themselves. */
  get isAboutEvents(): boolean {
    return OF_EVENTS.some((kind) => this.#first.has(kind));
  }

  /** One for each kind: the first event that is wrong, then the other kinds of events, then the evidence. */
  list(): CountedFinding[] {
    const place = ({ kind, position }: Finding) => [position ?? Infinity, ORDER.indexOf(kind)] as const;
    return [...this.#first.values()].sort((a, b) => {
      const [[positionA, orderA], [positionB, orderB]] = [place(a), place(b)];
      return positionA === positionB ? orderA - orderB : positionA - positionB;
    });
  }
}

/** Further ones are counted, but not asked whether they are the events of each other's positions. */
const MAX_REMEMBERED = 10_000;

interface Wrong {
  position: number;
  leaf: string | undefined;
}

/** The rows that are not what was appended, until it is known which of them only stand in the wrong place. */
export class Deviations {
  readonly #findings: Findings;
  readonly #wrong: Wrong[] = [];
  /** Where the leaves belong that no right row has, by hash. */
  readonly #homes = new Map<string, number>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The row has another content than the leaf that belongs to its position, where that is known. */
  addWrong({ position, leaf }: CheckedRow, expected: Uint8Array | undefined): void {
    this.#remember(position, expected);
    if (this.#wrong.length < MAX_REMEMBERED) this.#wrong.push({ position, leaf: leaf && nameOf(leaf) });
    else this.#addChanged(position, 'it is not what was appended');
  }

  /** The row has the right content, but something else is wrong with it. */
  addFault(position: number, fault: string): void {
    this.#addChanged(position, fault);
  }

  addMissing(position: number, count: number, expected?: Uint8Array): void {
    this.#remember(position, expected);
    const message =
      count > 1 ? `the event and the ${count - 1} after it are missing` : 'the event is missing';
    this.#findings.add({ kind: 'missing', message, position }, count);
  }

  /** Adds the findings about all rows. */
  report(): void {
    for (const { position, leaf } of this.#wrong) {
      const home = leaf === undefined ? undefined : this.#homes.get(leaf);
      if (home === undefined || home === position) this.#addChanged(position, 'it is not what was appended');
      else {
        const message = `the row holds the event of position ${home}`;
        this.#findings.add({ kind: 'out of order', message, position });
      }
    }
  }

  #remember(position: number, expected: Uint8Array | undefined): void {
    if (expected && this.#homes.size < MAX_REMEMBERED) this.#homes.set(nameOf(expected), position);
  }

  #addChanged(position: number, why: string): void {
    this.#findings.add({ kind: 'changed', message: `the event was changed: ${why}`, position });
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
