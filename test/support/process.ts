import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAbsolute, join } from 'node:path';
import { inject } from 'vitest';

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

/**
 * Runs a module of the service, named as below `src/` and run as compiled, or any other program by its absolute path, with
 * the environment of a newcomer and the given settings.
 */
export function startProgram(
  file: string,
  environment: Record<string, string>,
  programArguments: readonly string[] = [],
): Program {
  const program = isAbsolute(file) ? file : join(inject('built'), file.replace(/\.ts$/, '.js'));
  const loader = program.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, program, ...programArguments], {
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
