import pg from 'pg';

/** Notified, with the new size, when the log grew. */
export const GROWTH_CHANNEL = 'audit_log';

const RETRY_MS = { first: 100, most: 5_000 };
const HEARTBEAT_MS = 5_000;

/** The one LISTEN connection of an instance: hints that something has changed, and after a reconnect that it may have. */
export interface Listener {
  close(): Promise<void>;
}

/**
 * Calls the hint of a channel at every notification on it, with its payload, and all, without, at every (re)connect and
 * heartbeat, until closed.
 * Connection errors go to `onError`; it reconnects with a jittered back-off.
 */
export function createListener(options: {
  connectionString: string;
  hints: Readonly<Record<string, (payload?: string) => void>>;
  onError: (error: Error) => void;
}): Listener {
  let client: pg.Client | undefined;
  let retryMs = RETRY_MS.first;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const channels = Object.keys(options.hints);
  const hintAll = () => {
    for (const channel of channels) options.hints[channel]?.();
  };

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: options.connectionString,
      application_name: 'graphql-audit-log feed',
    });
    fresh.on('error', (error) => lost(fresh, error));
    fresh.on('end', () => lost(fresh));
    fresh.on('notification', ({ channel, payload }) => options.hints[channel]?.(payload));
    client = fresh;
    try {
      await fresh.connect();
      await fresh.query(channels.map((channel) => `LISTEN ${channel}`).join(';'));
      retryMs = RETRY_MS.first;
      hintAll();
    } catch (error) {
      lost(fresh, error as Error);
    }
  }

  function lost(which: pg.Client, error?: Error): void {
    if (isClosed || client !== which) return;
    client = undefined;
    if (error) options.onError(error);
    which.end().catch(() => undefined);
    timer = setTimeout(connect, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, RETRY_MS.most);
  }

  // A connection that is dead without a word is found by a query, and a missed notification by the hint after it.
  const heartbeat = setInterval(() => {
    client?.query('SELECT 1').then(hintAll, () => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  void connect();

  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(heartbeat);
      await client?.end().catch(() => undefined);
    },
  };
}
