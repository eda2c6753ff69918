import type { PoolClient } from 'pg';
import { Peekable, streamRows } from '../../db/stream.ts';
import { equalHashes } from '../../merkle/hash.ts';
import { openCheckpoint } from '../../merkle/signed-checkpoint.ts';
import { type Frontier, rootOf } from '../../merkle/tree.ts';
import { originOf, type TreeName } from '../trees.ts';
import type { Findings } from './findings.ts';
import type { SavedCheckpoint, Trust } from './trust.ts';

/** A row of the table of checkpoints. */
export interface CheckpointRow {
  tree: TreeName;
  treeSize: number;
  logSize: number;
  rootHash: Buffer;
  note: string;
}

/** The stored checkpoints, by tree and size; of the log's tree alone, or of all the others. */
export function streamCheckpoints(client: PoolClient, which: 'log' | 'others'): Peekable<CheckpointRow> {
  const sql = `SELECT tree, tree_size AS "treeSize", log_size AS "logSize", root_hash AS "rootHash", note
    FROM checkpoints WHERE tree ${which === 'log' ? '=' : '<>'} 'log' ORDER BY tree, tree_size, log_size`;
  return new Peekable(streamRows<CheckpointRow>(client, { sql, size: 500 }));
}

export interface CheckpointCheckOptions {
  tree: TreeName;
  trust: Trust | undefined;
  stored: Peekable<CheckpointRow>;
  saved: readonly SavedCheckpoint[];
  findings: Findings;
  /** Takes what is found by comparing with the tree, which may be itself what is wrong. */
  compared: Findings;
}

/** Compares the checkpoints of one tree, in the order of their sizes, with the tree while it is grown again. */
export class CheckpointCheck {
  readonly #options: CheckpointCheckOptions;
  readonly #saved: SavedCheckpoint[];
  #checked = 0;

  constructor(options: CheckpointCheckOptions) {
    this.#options = options;
    const own = options.saved.filter(({ tree }) => tree === options.tree);
    this.#saved = own.sort((a, b) => a.checkpoint.treeSize - b.checkpoint.treeSize);
  }

  /** How many stored ones were checked. */
  get checked(): number {
    return this.#checked;
  }

  /** The size of the next checkpoint; Infinity when none is left. */
  async nextSize(): Promise<number> {
    const stored = await this.#peek();
    return Math.min(stored?.treeSize ?? Infinity, this.#saved[0]?.checkpoint.treeSize ?? Infinity);
  }

  /**
   * Checks the checkpoints up to the size of the tree, of which `frontier` is undefined where it is not known. Returns
   * the sizes of the log that they speak up to.
   */
  async check(size: number, frontier: Frontier | undefined): Promise<number[]> {
    const logSizes: number[] = [];
    const root = frontier && rootOf(frontier);
    for (const { name, checkpoint } of this.#takeSaved(size)) {
      if (root && !equalHashes(root, checkpoint.rootHash))
        this.#compared(`${name} has another root hash than the tree had at its size`, checkpoint.treeSize);
    }
    for (;;) {
      const row = await this.#peek();
      if (!row || row.treeSize > size) return logSizes;
      await this.#options.stored.take();
      if (!(await this.#isRight(row))) continue;
      logSizes.push(row.logSize);
      if (row.treeSize < size || (root && !equalHashes(root, row.rootHash)))
        this.#compared('a signed root hash is not that of the tree', row.treeSize);
    }
  }

  /** Checks what is left when the tree has no more than `size` leaves. */
  async finish(size: number, isLost: boolean): Promise<void> {
    const { tree, stored, compared } = this.#options;
    for (const { name, checkpoint } of this.#takeSaved(Infinity)) {
      if (isLost) continue;
      const message = `${name} is of ${checkpoint.treeSize} events, but there are only ${size}`;
      compared.add({ kind: 'truncated', message, tree, treeSize: checkpoint.treeSize });
    }
    for await (const row of stored.while((next) => next.tree === tree)) {
      if ((await this.#isRight(row)) && !isLost)
        this.#compared(`a checkpoint is of ${row.treeSize} events, but there are only ${size}`, row.treeSize);
    }
  }

  async #peek(): Promise<CheckpointRow | undefined> {
    const row = await this.#options.stored.peek();
    return row?.tree === this.#options.tree ? row : undefined;
  }

  #takeSaved(size: number): SavedCheckpoint[] {
    const end = this.#saved.findIndex(({ checkpoint }) => checkpoint.treeSize > size);
    return this.#saved.splice(0, end < 0 ? this.#saved.length : end);
  }

  #compared(message: string, treeSize: number): void {
    const { compared, tree } = this.#options;
    compared.add({ kind: 'checkpoint', message, tree, treeSize });
  }

  // Signed by the log, and what its columns say.
  async #isRight(row: CheckpointRow): Promise<boolean> {
    this.#checked += 1;
    const { trust, findings, tree } = this.#options;
    if (!trust) return true;
    const problem = await problemOf(row, trust);
    if (problem)
      findings.add({ kind: 'checkpoint', message: `a checkpoint ${problem}`, tree, treeSize: row.treeSize });
    return !problem;
  }
}

async function problemOf(row: CheckpointRow, { origin, logKey }: Trust): Promise<string | undefined> {
  const policy = { origin: originOf(row.tree, origin), logKeys: [logKey] };
  try {
    const { treeSize, rootHash, extensions } = (await openCheckpoint(row.note, policy)).checkpoint;
    const own = row.tree === 'log' ? [] : [`log ${row.logSize}`];
    const isSame =
      treeSize === row.treeSize &&
      equalHashes(rootHash, row.rootHash) &&
      extensions.join('\n') === own.join('\n');
    if (!isSame || (row.tree === 'log' && row.logSize !== treeSize)) return 'is not what its note says';
    return undefined;
  } catch (error) {
    return `does not verify: ${(error as Error).message}`;
  }
}
