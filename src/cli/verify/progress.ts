import { SingleBar } from 'cli-progress';

const PLAIN_MS = 10_000;

/** Shows how far a verification is. */
export interface Progress {
  /** So much of the total is done; the total of a pipe is not known. */
  at(done: number, total: number | undefined): void;
  end(): void;
}

/**
 * Shows on `stream` (standard error) how much is verified of what `unit` names: a bar with the rate on a terminal, a
 * line every ten seconds elsewhere.
 */
export function createProgress(stream: NodeJS.WriteStream, unit: string): Progress {
  return stream.isTTY ? bar(stream, unit) : plain(stream, unit);
}

function bar(stream: NodeJS.WriteStream, unit: string): Progress {
  const count = `{value} ${unit}, {rate}/s`;
  const whole = `{bar} {percentage}% {value} of {total} ${unit}, {rate}/s`;
  const rate = createRate();
  let single: SingleBar | undefined;
  return {
    at(done, total) {
      if (!single) {
        const format = total === undefined ? count : whole;
        single = new SingleBar({ stream, format, hideCursor: true, clearOnComplete: true, fps: 5 });
        single.start(total ?? 0, 0, { rate: 0 });
      }
      single.update(done, { rate: rate(done) });
    },
    end: () => single?.stop(),
  };
}

function plain(stream: NodeJS.WriteStream, unit: string): Progress {
  const rate = createRate();
  let shownMs = performance.now();
  return {
    at(done, total) {
      if (performance.now() - shownMs < PLAIN_MS) return;
      shownMs = performance.now();
      stream.write(`${done}${total === undefined ? '' : ` of ${total}`} ${unit}, ${rate(done)}/s\n`);
    },
    end: () => undefined,
  };
}

function createRate(): (done: number) => number {
  const startMs = performance.now();
  return (done) => Math.round(done / Math.max((performance.now() - startMs) / 1_000, 0.001));
}
