const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
// Ctrl-C under npm arrives twice: from the terminal, and handed on by npm.
const SAME_MS = 500;

/** Aborted by the first signal that asks this process to stop; a second one, later, ends the process at once. */
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

/** What was started, to be closed in the reverse order, each once. */
export class Closers {
  readonly #closings: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Has the part closed before those that were added earlier, and returns it. */
  add<Part>(part: Part, close: (part: Part) => unknown): Part {
    this.#closings.push(() => close(part));
    return part;
  }

  /** Closes everything; what goes wrong stops nothing, and the first of it is thrown at the end. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  /**
   * Closes everything within a time: after `breakMs` calls `breakOff`, which makes what still waits fail, and after
   * `limitMs` resolves, whatever is left.
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
    const timers: NodeJS.Timeout[] = [];
    const late = new Promise<void>((resolve) => {
      timers.push(setTimeout(breakOff, breakMs), setTimeout(resolve, limitMs));
    });
    try {
      await Promise.race([this.close(), late]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
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
