/** What a verification ends with; the place of each in the list is the process's exit code. */
export const OUTCOMES = ['verified', 'failed', 'does not hold', 'undecided'] as const;

/** What a command found out: for a program, and for people. */
export interface Result {
  outcome: Exclude<(typeof OUTCOMES)[number], 'failed'>;
  /** What `--json` prints beside the outcome. */
  json: object;
  lines: string[];
}

export const EXIT_CODES = `
Exit code: 0 verified, 1 wrong arguments or another error, 2 the evidence does not hold, 3 it cannot be decided, because
something to compare with is missing.`;

/** Runs a command, prints its result, and sets the exit code. */
export async function conclude(isJson: boolean, command: () => Promise<Result>): Promise<void> {
  try {
    const { outcome, json, lines } = await command();
    const text = isJson ? JSON.stringify({ outcome, ...json }) : lines.join('\n');
    process.stdout.write(`${text}\n`);
    process.exitCode = OUTCOMES.indexOf(outcome);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    process.stderr.write(`audit-log verify: ${message || String(code)}\n`);
    process.exitCode = OUTCOMES.indexOf('failed');
  }
}

/** Text from the log or the outside, made harmless for a terminal, which obeys control characters. */
export function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
