import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { procstat } from './process-stat.ts';

const POLL_MS = 5;

/** A contender in a process of its own. */
export interface Child {
  /** Where it listens. */
  url: string;
  /** Processor time it has used, in milliseconds, and memory it has resident, in bytes. */
  stat(): { cpuMs: number; residentBytes: number };
  /** Asks it to end with SIGTERM and resolves when it has. */
  stop(): Promise<void>;
}

/** What to run: the program with its arguments, and the words after which its address stands in its output. */
export interface ChildOptions {
  program?: string;
  programArguments: readonly string[];
  cwd?: string;
  environment: Record<string, string>;
  /** Its output goes to this file: reading it would cost the load generator. */
  outputFile: string;
  /** Matches its output when it is ready; the first group is its address. */
  ready: RegExp;
}

/** Starts a process and resolves when it says that it is ready. Throws, with its output, when it ends before. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const output = openSync(options.outputFile, 'w');
  const child = spawn(options.program ?? process.execPath, options.programArguments, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ENV_FILE: '', ...options.environment },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = once(child, 'exit');
  const url = await untilReady(child, options).catch(async (error) => {
    child.kill('SIGKILL');
    await ended;
    throw error;
  });
  return {
    url,
    stat: () => procstat(child.pid as number),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

async function untilReady(child: ChildProcess, { outputFile, ready }: ChildOptions): Promise<string> {
  for (;;) {
    const said = readFileSync(outputFile, 'utf8');
    const match = ready.exec(said);
    if (match) return match[1] ?? '';
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`a contender ended:\n${said}`);
    await setTimeout(POLL_MS);
  }
}
