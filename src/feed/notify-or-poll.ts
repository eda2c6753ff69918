import type pg from 'pg';
import { Client } from '../db/client-with-deadlines.ts';
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

interface ListenerOptions {
  connectionString: string;
  /** The function to call for each channel. */
  hints: Readonly<Record<string, (payload?: string) => void>>;
  onError: (error: Error) => void;
}

/**
 * Calls the hint of a channel with the payload of each notification. Calls all hints without a payload after each connect and
 * every four seconds, whether or not the connection is alive, until closed. A connection that does not answer a heartbeat
 * within two seconds is broken. Errors go to `onError`; reconnects use a back-off with jitter.
 */
export function createListener(options: ListenerOptions): Listener {
  return new ReconnectingListener(options);
}

class ReconnectingListener implements Listener {
  readonly #options: ListenerOptions;
  readonly #channels: readonly string[];
  readonly #poll: NodeJS.Timeout;
  #client: pg.Client | undefined;
  #isListening = false;
  #isClosed = false;
  #retryMs = RETRY_MS.first;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#channels = Object.keys(options.hints);
    this.#poll = setInterval(() => this.#hintAndCheck(), POLL_MS).unref();
    void this.#connect();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#poll);
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new Client({
      connectionString: withServerLimits(this.#options.connectionString),
      silenceMs: ANSWER_MS,
      application_name: 'graphql-audit-log feed',
    });
    client.on('error', (error) => this.#reconnectAfter(client, error));
    client.on('end', () => this.#reconnectAfter(client));
    client.on('notification', ({ channel, payload }: pg.Notification) =>
      this.#options.hints[channel]?.(payload),
    );
    this.#client = client;
    try {
      await client.connect();
      await client.query(this.#channels.map((channel) => `LISTEN ${channel}`).join(';'));
      this.#isListening = true;
      this.#retryMs = RETRY_MS.first;
      this.#hintAll();
    } catch (error) {
      this.#reconnectAfter(client, error as Error);
    }
  }

  /** Replaces a broken connection after the back-off. Does nothing when it was replaced already. */
  #reconnectAfter(broken: pg.Client, error?: Error): void {
    if (this.#isClosed || this.#client !== broken) return;
    this.#client = undefined;
    this.#isListening = false;
    if (error) this.#options.onError(error);
    broken.end().catch(() => undefined);
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
  }

  // Hints first: they do not depend on the connection, which may be dead.
  #hintAndCheck(): void {
    this.#hintAll();
    if (this.#isListening) this.#client?.query('SELECT 1').catch(() => undefined);
  }

  #hintAll(): void {
    for (const channel of this.#channels) this.#options.hints[channel]?.();
  }
}
