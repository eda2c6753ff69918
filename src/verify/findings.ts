import type { IntegrityProblem } from '../evidence/integrity-alarms.ts';
import type { TreeName } from '../evidence/tree-names.ts';
import type { CheckedRow } from './rows.ts';

/**
 * What can be wrong with a stored log.
 * - Events: `changed` (a column differs from what was appended), `missing`, `extra` (a row that was not appended), `out of
 *   order` (a row holds the event of another position), `truncated` (a saved checkpoint is larger than the log), `different`
 *   (one of these; which one is not known).
 * - Evidence: `tile`, `tree`, `head`, `checkpoint`, `identity`, `anchor`.
 * - Derived data: `idempotency key`, `summary` (counts behind summaries).
 * - `catalog`: tables, functions, triggers, policies or privileges differ from what the migrations created.
 * - `incomplete`: a check failed, since the tables differ.
 */
export type FindingKind =
  | IntegrityProblem
  | 'extra'
  | 'truncated'
  | 'different'
  | 'identity'
  | 'idempotency key'
  | 'summary'
  | 'catalog'
  | 'incomplete';

/** An error in the log, and its place as far as it is known. */
export interface Finding {
  kind: FindingKind;
  message: string;
  /** The position of the event. */
  position?: number | undefined;
  tree?: TreeName | undefined;
  /** Level and index of the tile. */
  level?: number | undefined;
  index?: number | undefined;
  /** The size of the checkpoint. */
  treeSize?: number | undefined;
}

/** The first finding of a kind, and the number of findings of that kind. */
export interface CountedFinding extends Finding {
  count: number;
}

// Findings about events come first: wrong evidence is often their consequence.
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
  'incomplete',
];

// Findings about the log itself, with which derived data is compared.
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

  /** Adds a finding that stands for `count` findings of its kind. */
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

  /** Whether events or the head are wrong, so that derived data cannot be compared with them. */
  isLogWrong(): boolean {
    return OF_LOG.some((kind) => this.#first.has(kind));
  }

  /** Whether events are wrong. */
  get isAboutEvents(): boolean {
    return OF_EVENTS.some((kind) => this.#first.has(kind));
  }

  /** One finding per kind, ordered by position; those without a position in the order of `ORDER`. */
  list(): CountedFinding[] {
    const place = ({ kind, position }: Finding) => [position ?? Infinity, ORDER.indexOf(kind)] as const;
    return [...this.#first.values()].sort((a, b) => {
      const [[positionA, orderA], [positionB, orderB]] = [place(a), place(b)];
      return positionA === positionB ? orderA - orderB : positionA - positionB;
    });
  }
}

/** Further wrong rows are counted, but not checked for exchanged positions. */
const MAX_REMEMBERED = 10_000;

interface Wrong {
  position: number;
  leaf: string | undefined;
}

/** Collects wrong rows, to find out at the end which of them hold the event of another position. */
export class Deviations {
  readonly #findings: Findings;
  readonly #wrong: Wrong[] = [];
  /** The positions of expected leaves without a right row, by hash. */
  readonly #expectedPositions = new Map<string, number>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Adds a row whose leaf hash differs from the expected one, if that is known. */
  addWrong({ position, leaf }: CheckedRow, expected: Uint8Array | undefined): void {
    this.#remember(position, expected);
    if (this.#wrong.length < MAX_REMEMBERED) this.#wrong.push({ position, leaf: leaf && hexOf(leaf) });
    else this.#addChanged(position, 'it is not what was appended');
  }

  /** Adds a row with the right leaf hash and another error. */
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
      const expected = leaf === undefined ? undefined : this.#expectedPositions.get(leaf);
      if (expected === undefined || expected === position)
        this.#addChanged(position, 'it is not what was appended');
      else {
        const message = `the row holds the event of position ${expected}`;
        this.#findings.add({ kind: 'out of order', message, position });
      }
    }
  }

  #remember(position: number, expected: Uint8Array | undefined): void {
    if (expected && this.#expectedPositions.size < MAX_REMEMBERED)
      this.#expectedPositions.set(hexOf(expected), position);
  }

  #addChanged(position: number, why: string): void {
    this.#findings.add({ kind: 'changed', message: `the event was changed: ${why}`, position });
  }
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
