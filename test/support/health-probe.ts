import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that asks a service whether it lives, as an orchestrator does. */
export interface HealthProbe {
  /** The longest time that an answer took since the last call, in milliseconds, and how many there were. */
  take(): Promise<{ longestMs: number; count: number }>;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startHealthProbe(url: string): Promise<HealthProbe> {
  const child = fork(new URL('health-probe-main.ts', import.meta.url), [url], {
    execArgv: ['--import', 'tsx'],
  });
  await answerOf(child);
  return {
    take() {
      child.send('take');
      return answerOf(child);
    },
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

async function answerOf(child: ChildProcess): Promise<{ longestMs: number; count: number }> {
  const [answer] = (await once(child, 'message')) as [{ longestMs: number; count: number; error?: string }];
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
