import { SingleBar } from 'cli-progress';
import type { CountedFinding } from '../../verify/findings.ts';
import { printFailure } from '../messages.ts';

/** The outcomes of a verification. The index of an outcome is the exit code. */
export const OUTCOMES = ['verified', 'failed', 'does not hold', 'undecided'] as const;

/** The result of a command, as JSON and as lines of text. */
export interface CommandResult {
  outcome: Exclude<(typeof OUTCOMES)[number], 'failed'>;
  /** What `--json` prints in addition to the outcome. */
  json: object;
  lines: string[];
}

export const EXIT_CODES = `
Exit code: 0 verified, 1 wrong arguments or another error, 2 the evidence does not hold, 3 undecided, because something to
compare with is missing.`;

/** Runs a command, prints its result, and sets the exit code. */
export async function printResult(isJson: boolean, command: () => Promise<CommandResult>): Promise<void> {
  try {
    const { outcome, json, lines } = await command();
    const text = isJson ? JSON.stringify({ outcome, ...json }) : lines.join('\n');
    process.stdout.write(`${text}\n`);
    process.exitCode = OUTCOMES.indexOf(outcome);
  } catch (error) {
    printFailure('verify', error);
    process.exitCode = OUTCOMES.indexOf('failed');
  }
}

/** Replaces control characters, which a terminal would obey, in text from the log or from outside. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

/** The findings as lines of text. */
export function findingLines(findings: readonly CountedFinding[]): string[] {
  return ['The evidence does not hold:', ...findings.map(lineOf)];
}

function lineOf({ kind, position, message, treeSize, count }: CountedFinding): string {
  const where = position === undefined ? '' : `position ${position}: `;
  const which = treeSize === undefined ? '' : ` (of ${treeSize} leaves)`;
  const more = count > 1 ? `; ${count} of this kind` : '';
  return `  [${kind}] ${where}${printable(message)}${which}${more}`;
}

const PLAIN_MS = 10_000;

/** Shows the progress of a verification. */
export interface Progress {
  /** Sets the progress; `total` is undefined for a pipe. */
  at(done: number, total: number | undefined): void;
  end(): void;
}

/**
 * Shows on `stream` (standard error) how many of `unit` are verified: on a terminal as a bar with the rate, else as a line
 * every ten seconds.
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
