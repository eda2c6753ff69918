import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { LogEventInput } from '../support/operations/generated/graphql.ts';
import { type Program, startProgram } from '../support/process.ts';
import type { TcpProxy } from '../support/proxy.ts';
import { ADMIN_KEY, type Answer, post, QUIET } from '../support/service.ts';
import { upTo } from '../support/write.ts';

/** An instance in a process of its own, behind a proxy to the database, that a test lets stand still and go on. */
export interface Victim {
  program: Program;
  url: string;
  /** Stops the process; nothing more of what it has sent reaches the database. */
  stand(): void;
  goOn(): void;
}

/** Starts one, with these settings. */
export async function startVictim(
  database: TestDatabase,
  proxy: TcpProxy,
  settings: Record<string, string>,
): Promise<Victim> {
  const program = startProgram('main.ts', {
    DATABASE_URL: proxy.url,
    DATA_DIR: dataDirOf(database.url),
    ADMIN_API_KEY: ADMIN_KEY,
    RATE_LIMIT: '0',
    ...QUIET,
    ...settings,
  });
  await program.says('Ready.');
  return {
    program,
    url: /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '',
    stand() {
      program.child.kill('SIGSTOP');
      for (const pair of proxy.pairs) pair.hold();
    },
    goOn() {
      for (const pair of proxy.pairs) pair.goOn();
      program.child.kill('SIGCONT');
    },
  };
}

/** A batch to record; with `key`, each event has an idempotency key that begins with it. */
export interface Batch {
  action: string;
  size: number;
  text?: string;
  key?: string;
}

/** Records a batch; rejects when there is no answer. */
export function record(url: string, { action, size, text = '', key }: Batch): Promise<Answer<unknown>> {
  const input: LogEventInput[] = upTo(size).map((n) => ({
    eventType: 'DATA_READ',
    action,
    details: { text },
    ...(key !== undefined && { idempotencyKey: `${key}/${n}` }),
  }));
  return post<unknown>(url, JSON.stringify({ query: `${LOG_EVENTS}`, variables: { input } }), ADMIN_KEY);
}

/** Records batch after batch at an instance until it is stopped. */
export interface Writer {
  /** How long each took, in milliseconds, and the errors that were answered. */
  times: number[];
  errors: unknown[];
  /** Resolves when so many more were recorded. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one. What has no answer is passed over. */
export function startWriter(url: string, batch: Batch): Writer {
  const times: number[] = [];
  const errors: unknown[] = [];
  let waiting: (() => void)[] = [];
  let isOver = false;

  async function write(): Promise<void> {
    while (!isOver) {
      const sent = performance.now();
      const answer = await record(url, batch).catch(() => undefined);
      if (answer?.errors) errors.push(answer.errors);
      else if (answer) times.push(performance.now() - sent);
      for (const resolve of waiting) resolve();
      waiting = [];
    }
  }

  const done = write();
  return {
    times,
    errors,
    async more(count) {
      const wanted = times.length + count;
      while (times.length < wanted) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async stop() {
      isOver = true;
      await done;
    },
  };
}
