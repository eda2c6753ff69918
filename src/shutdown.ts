import { withDeadline } from './deadline.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
// Under npm, Ctrl-C arrives twice: from the terminal and from npm.
const SAME_MS = 500;

/** Returns a signal that is aborted by the first SIGTERM, SIGINT or SIGHUP. A later second one ends the process at once. */
export function stopOnSignals(): AbortSignal {
  const stopping = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstAt = performance.now();
      stopping.abort();
    } else if (performance.now() - firstAt > SAME_MS) {
      process.exit(1);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return stopping.signal;
}

/** Closes what was started in reverse order, each part once. */
export class Closers {
  readonly #closings: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Adds a part, which is closed before the parts that were added earlier. Returns the part. */
  add<Part>(part: Part, close: (part: Part) => unknown): Part {
    this.#closings.push(() => close(part));
    return part;
  }

  /** Closes all parts, also when some fail. Throws the first error at the end. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  /**
   * Closes all parts with a deadline: calls `breakOff` after `breakMs`, which makes waiting parts fail, and resolves after
   * `limitMs` at the latest.
   */
  async closeWithin({
    breakMs,
    limitMs,
    breakOff,
  }: {
    breakMs: number;
    limitMs: number;
    breakOff: () => void;
  }): Promise<void> {
    const breaking = setTimeout(breakOff, breakMs);
    try {
      await withDeadline(this.close(), limitMs, () => undefined);
    } finally {
      clearTimeout(breaking);
    }
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closings.reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
