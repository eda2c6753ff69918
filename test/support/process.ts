import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const SOURCE = new URL('../../src/', import.meta.url).pathname;

/** A program of ours as a process of its own. */
export interface Program {
  child: ChildProcess;
  /** All it has said so far on standard output and standard error. */
  said(): string;
  /** Resolves when it has said that, and throws when it ends without. */
  says(text: string): Promise<void>;
  /** Its exit code and the signal that ended it, when it has ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs a file of `src/` with the environment of a newcomer and the given settings. */
export function startProgram(
  file: string,
  environment: Record<string, string>,
  programArguments: readonly string[] = [],
): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', SOURCE + file, ...programArguments], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ENV_FILE: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      child.emit('said');
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    child.emit('said');
    return { code, signal };
  });
  return {
    child,
    ended,
    said: () => text,
    async says(wanted) {
      while (!text.includes(wanted)) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${text}`);
        await once(child, 'said');
      }
    },
  };
}
