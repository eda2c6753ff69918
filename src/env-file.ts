import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';

const DEFAULT_FILE = '.env';
const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 20;

const BLANK = /^\s*(?:#.*)?$/;
const ASSIGNMENT = /^ *(?:export +)?([A-Za-z_]\w*) *= *(.*)$/;
/** What may follow a quoted value on its line. */
const AFTER_QUOTE = /^\s*(?:#.*)?$/;
/** Node takes everything from a `#` on for a comment, also within a word or directly after the `=`. */
const CUT_VALUE = /^[^#]*[^\s#]#/;

/**
 * Sets environment variables from the file that `ENV_FILE` names, by default `.env` in the working directory. A variable that
 * the environment has already stays as it is, also an empty one. The file has the syntax of Node's `--env-file`; no file is
 * read when `ENV_FILE` is empty or there is no `.env`.
 *
 * @returns the path of the file, or undefined when no file was read
 * @throws Error that names the file and every line that is not understood, in which case nothing is set
 */
export function loadEnvFile(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const file = environment.ENV_FILE ?? DEFAULT_FILE;
  if (file === '') return undefined;
  const text = read(file, environment.ENV_FILE !== undefined);
  if (text === undefined) return undefined;
  const problems = findProblems(text);
  if (problems.length > 0) {
    throw new Error(
      `${file} has problems (an empty ENV_FILE starts without the file):\n  ${problems.join('\n  ')}`,
    );
  }
  for (const [name, value] of Object.entries(parseEnv(text))) environment[name] ??= value;
  return file;
}

function read(file: string, isRequired: boolean): string | undefined {
  try {
    const stat = statSync(file);
    // `.env` is also what some tools call a folder.
    if (!stat.isFile() && !isRequired) return undefined;
    if (!stat.isFile()) throw new Error('it is not a file');
    if (stat.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (!isRequired && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`cannot read ${file} (ENV_FILE): ${(error as Error).message}`);
  }
}

// Node's parser reports nothing: it skips such a line, and that of Node 20 joins it with the next one.
function findProblems(text: string): string[] {
  const lines = text.split(/\r?\n/);
  const problems: string[] = [];
  for (let at = 0; at < lines.length && problems.length < MAX_PROBLEMS; at++) {
    const line = lines[at] as string;
    if (BLANK.test(line)) continue;
    const [, name, value = ''] = ASSIGNMENT.exec(line) ?? [];
    const addProblem = (problem: string) => problems.push(`line ${at + 1}: ${problem}`);
    if (name === undefined) {
      addProblem('is not NAME=VALUE');
      continue;
    }
    const quote = /^["'`]/.exec(value)?.[0];
    if (quote === undefined) {
      if (CUT_VALUE.test(line.slice(line.indexOf('='))))
        addProblem(`put the value of ${name} in quotes, because it contains #`);
      continue;
    }
    const end = findClosingQuote(lines, at, value.slice(1), quote);
    if (end === undefined) addProblem(`the ${quote} before the value of ${name} is not closed`);
    else if (!AFTER_QUOTE.test(end.rest)) addProblem(`there is text after the quoted value of ${name}`);
    // When the closing quote is missing, the lines after it are checked as well.
    at = end?.at ?? at;
  }
  return problems;
}

/** The line with the closing quote, and what follows it there. */
function findClosingQuote(
  lines: readonly string[],
  first: number,
  rest: string,
  quote: string,
): { at: number; rest: string } | undefined {
  for (let at = first, text = rest; at < lines.length; text = lines[++at] ?? '') {
    const end = text.indexOf(quote);
    if (end >= 0) return { at, rest: text.slice(end + 1) };
  }
  return undefined;
}
