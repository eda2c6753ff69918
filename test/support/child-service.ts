import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { inject } from 'vitest';
import { dataDirOf } from './database.ts';
import { ADMIN_KEY, type Ask, post, QUIET } from './service.ts';

/** A service in a process of its own, whose memory holds nothing of the test. */
export interface ChildService {
  url: string;
  ask: Ask;
  /** Bytes in use after a garbage collection: heap and buffers. */
  memory(): Promise<number>;
  /** Writes everything on the heap to a file (V8's heap snapshot: of each text the first thousand characters). */
  snapshot(path: string): Promise<string>;
  /** Most processor time between two chances to answer since the last call, in milliseconds. */
  longestTurnMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the real service in a process of its own, on a free port. */
export async function startChildService(
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<ChildService> {
  const child = fork(new URL('child-service-main.js', import.meta.url), [inject('built'), databaseUrl], {
    execArgv: ['--expose-gc'],
    env: {
      ...process.env,
      PORT: '0',
      ADMIN_API_KEY: ADMIN_KEY,
      DATA_DIR: dataDirOf(databaseUrl),
      ...QUIET,
      ...environment,
    },
  });
  const url = await answerOf<string>(child);
  return {
    url,
    ask: (query: object | string, variables?: unknown, key = ADMIN_KEY) =>
      post(url, JSON.stringify({ query, variables }), key),
    memory() {
      child.send('memory');
      return answerOf<number>(child);
    },
    snapshot(path) {
      child.send(`snapshot ${path}`);
      return answerOf<string>(child);
    },
    longestTurnMs() {
      child.send('longest turn');
      return answerOf<number>(child);
    },
    async stop() {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const exited = once(child, 'exit', { signal }).then(() =>
    Promise.reject(new Error('the service has ended')),
  );
  exited.catch(() => undefined);
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal }), exited]);
    return answer as T;
  } finally {
    waiting.abort();
  }
}
