import type { Findings } from './findings.ts';
import type { CheckedRow } from './row.ts';

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
