const EVERY_MS = 2_000;

/** Tells people on standard error what is going on; standard output is for the result. */
export interface Progress {
  say(text: string): void;
  /** Says how far something is, now and then. */
  count(what: string, done: number, all: number): void;
}

/** Progress as lines with the seconds since the start in front. */
export function createProgress(isQuiet: boolean): Progress {
  const start = performance.now();
  let lastAt = Number.NEGATIVE_INFINITY;
  const say = (text: string) => {
    if (!isQuiet)
      process.stderr.write(`${((performance.now() - start) / 1_000).toFixed(1).padStart(7)} s  ${text}\n`);
  };
  return {
    say,
    count(what, done, all) {
      const now = performance.now();
      if (now - lastAt < EVERY_MS && done < all) return;
      lastAt = now;
      say(`${what}: ${done.toLocaleString('en-US')} of ${all.toLocaleString('en-US')}`);
    },
  };
}
