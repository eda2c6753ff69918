import type { Pool } from '../db/pool.ts';
import { withDeadline } from '../deadline.ts';
import { type ConditionName, conditionOf } from '../errors.ts';
import type { AppendState } from '../log/append/appender.ts';

/** A health check is answered within two seconds. */
const ANSWER_MS = 1_800;
/** Longer than an instance that has vanished can block the appends of the others. */
const MAX_APPEND_WAIT_MS = 10_000;
/** How long the instance is not ready after a failed append. Then it is ready again, so that another append is tried. */
const FAILED_MS = 5_000;
/** The feed reads the log every four seconds, also without a notification. */
const MAX_FEED_LAG_MS = 10_000;

const NO_ANSWER = 'the database does not answer';
const CONDITION_MESSAGES: Partial<Record<ConditionName, string>> = {
  exhausted: 'the database has no connection left',
  refused: 'the database refuses the service',
};

/** What the health of an instance is found from. */
export interface HealthOptions {
  /**
   * Used for health checks only, so that a check does not wait for a free connection. It connects anew for each check:
   * existing connections do not show that the database takes no new ones.
   */
  pool: Pool;
  appender: { state(): AppendState };
  feed: { lagMs(): number };
}

/** Whether an instance can serve. */
export interface Health {
  /** Why the instance is not ready, one sentence each; empty: it is ready. Resolves within two seconds. */
  problems(): Promise<string[]>;
}

/** Creates the health check of an instance. Concurrent checks share one query of the database. */
export function createHealth({ pool, appender, feed }: HealthOptions): Health {
  let asking: Promise<string | undefined> | undefined;

  function askDatabase(): Promise<string | undefined> {
    asking ??= pool
      .query('SELECT 1')
      .then(
        () => undefined,
        (error: unknown) => CONDITION_MESSAGES[conditionOf(error) ?? 'unreachable'] ?? NO_ANSWER,
      )
      .finally(() => {
        asking = undefined;
      });
    return asking;
  }

  return {
    async problems() {
      const database = await withDeadline(askDatabase(), ANSWER_MS, () => NO_ANSWER);
      return [database, appendProblem(appender.state()), feedProblem(feed.lagMs())].filter(
        (problem) => problem !== undefined,
      );
    },
  };
}

function appendProblem({ oldestWaitMs, last }: AppendState): string | undefined {
  if (oldestWaitMs > MAX_APPEND_WAIT_MS)
    return `the oldest append has been waiting for ${inSeconds(oldestWaitMs)}`;
  if (last?.error === undefined) return undefined;
  const agoMs = performance.now() - last.at;
  return agoMs < FAILED_MS
    ? `the last append failed ${inSeconds(agoMs)} ago${becauseOf(last.error)}`
    : undefined;
}

function becauseOf(error: unknown): string {
  return conditionOf(error) === 'unwritable' ? ': the database cannot store anything' : '';
}

function feedProblem(lagMs: number): string | undefined {
  return lagMs > MAX_FEED_LAG_MS ? `the feed has not read the log for ${inSeconds(lagMs)}` : undefined;
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
