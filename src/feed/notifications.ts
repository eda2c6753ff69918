import type pg from 'pg';
import { Client } from '../db/client.ts';
import { withServerLimits } from '../db/pool.ts';

/** The channel that is notified with the new size when the log has grown. */
export const GROWTH_CHANNEL = 'audit_log';

const RETRY_MS = { first: 100, most: 5_000 };
/** The interval of hints without a notification. `docs/feed.md` promises five seconds. */
const POLL_MS = 4_000;
/** The time limit for the answer to a heartbeat. */
const ANSWER_MS = 2_000;

/** The one LISTEN connection of an instance. */
export interface Listener {
  close(): Promise<void>;
}

/**
 * Calls the hint of a channel with the payload of each notification. Calls all hints without a payload after each connect and
 * every four seconds, whether or not the connection is alive, until closed. A connection that does not answer a heartbeat
 * within two seconds is broken. Errors go to `onError`; reconnects use a back-off with jitter.
 */
export function createListener(options: {
  connectionString: string;
  hints: Readonly<Record<string, (payload?: string) => void>>;
  onError: (error: Error) => void;
}): Listener {
  let client: pg.Client | undefined;
  let retryMs = RETRY_MS.first;
  let timer: NodeJS.Timeout | undefined;
  let isListening = false;
  let isClosed = false;
  const channels = Object.keys(options.hints);
  const hintAll = () => {
    for (const channel of channels) options.hints[channel]?.();
  };

  async function connect(): Promise<void> {
    const fresh = new Client({
      connectionString: withServerLimits(options.connectionString),
      silenceMs: ANSWER_MS,
      application_name: 'graphql-audit-log feed',
    });
    fresh.on('error', (error) => lost(fresh, error));
    fresh.on('end', () => lost(fresh));
    fresh.on('notification', ({ channel, payload }: pg.Notification) => options.hints[channel]?.(payload));
    client = fresh;
    try {
      await fresh.connect();
      await fresh.query(channels.map((channel) => `LISTEN ${channel}`).join(';'));
      isListening = true;
      retryMs = RETRY_MS.first;
      hintAll();
    } catch (error) {
      lost(fresh, error as Error);
    }
  }

  function lost(which: pg.Client, error?: Error): void {
    if (isClosed || client !== which) return;
    client = undefined;
    isListening = false;
    if (error) options.onError(error);
    which.end().catch(() => undefined);
    timer = setTimeout(connect, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, RETRY_MS.most);
  }

  // Hints first: they do not depend on the connection, which may be dead.
  const poll = setInterval(() => {
    hintAll();
    if (isListening) client?.query('SELECT 1').catch(() => undefined);
  }, POLL_MS);
  poll.unref();
  void connect();

  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(poll);
      await client?.end().catch(() => undefined);
    },
  };
}
