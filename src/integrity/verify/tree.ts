import { emptyFrontier, type Frontier } from '../../merkle/tree.ts';
import type { CheckpointCheck } from './checkpoints.ts';
import { Replay } from './replay.ts';

/** A tree that is grown again, its checkpoints checked on the way. */
export class TreeCheck {
  readonly replay = new Replay();
  readonly #checkpoints: CheckpointCheck;
  readonly #marks: number[];
  readonly #marked = new Map<number, Frontier>();
  readonly #onLogSizes: ((logSizes: number[]) => void) | undefined;
  #isLost = false;

  /** `marks` are sizes at which the frontier is kept; `onLogSizes` hears what `CheckpointCheck.check` returns. */
  constructor(
    checkpoints: CheckpointCheck,
    { marks = [], onLogSizes }: { marks?: number[]; onLogSizes?: (logSizes: number[]) => void } = {},
  ) {
    this.#checkpoints = checkpoints;
    this.#marks = [...new Set(marks)].sort((a, b) => a - b);
    this.#onLogSizes = onLogSizes;
  }

  /** How many leaves are known. */
  get size(): number {
    return this.replay.frontier.size;
  }

  /** Whether a leaf is not known, so that the tree ends here while what is stored goes on. */
  get isLost(): boolean {
    return this.#isLost;
  }

  lose(): void {
    this.#isLost = true;
  }

  /** The frontier at one of the marks, as far as the leaves are known. */
  frontierAt(mark: number): Frontier | undefined {
    return mark === 0 ? emptyFrontier : this.#marked.get(mark);
  }

  /** Adds leaves at the end. Once a leaf is not known, nothing is added any more. */
  async add(leaves: readonly (Uint8Array | undefined)[]): Promise<void> {
    const unknown = leaves.indexOf(undefined);
    const known = leaves.slice(0, unknown < 0 ? leaves.length : unknown) as Uint8Array[];
    if (!this.#isLost) await this.#grow(known);
    if (unknown >= 0) this.#isLost = true;
  }

  /** To be called when there are no more leaves. */
  async finish(): Promise<void> {
    await this.#cut();
    await this.#checkpoints.finish(this.size, this.#isLost);
  }

  async #grow(leaves: Uint8Array[]): Promise<void> {
    let done = 0;
    while (done < leaves.length) {
      await this.#cut();
      const next = Math.min(await this.#checkpoints.nextSize(), this.#marks[0] ?? Infinity);
      const end = Math.min(leaves.length, done + next - this.size);
      this.replay.add(leaves.slice(done, end));
      done = end;
    }
  }

  // Takes everything that belongs to the present size, so that the next cut is at a larger one.
  async #cut(): Promise<void> {
    while ((this.#marks[0] ?? Infinity) <= this.size)
      this.#marked.set(this.#marks.shift() as number, this.replay.frontier);
    if ((await this.#checkpoints.nextSize()) > this.size) return;
    const logSizes = await this.#checkpoints.check(this.size, this.replay.frontier);
    this.#onLogSizes?.(logSizes);
  }
}
