import { setTimeout } from 'node:timers/promises';
import type { Pool } from '../db/pool.ts';
import { createTurn } from '../db/turn.ts';

const FIRST_MS = 60_000;
const EVERY_MS = 86_400_000;
const RETRY_MS = 600_000;
/** Blocks of the table that one transaction looks through: some 4,000 keys. */
const BLOCKS = 64;
const PAUSE_MS = 20;

/** The policy that ends idempotency keys. */
export interface KeyPolicy {
  /** Starts nothing more; resolves when the batch under way is done. */
  close(): Promise<void>;
}

export interface KeyPolicyOptions {
  /** Of the owner: the service's role may remove no key. */
  owner: Pool;
  /** How long a key is known at least, by the clock of the database. */
  days: number;
  onError: (error: Error) => void;
}

/**
 * Ends the keys of events that were signed more than `days` ago, in small transactions, until `stop` is aborted; returns
 * how many those were. An event that comes with an ended key is recorded again. The bound is committed first, so that no
 * verification misses a key that was ended.
 */
export async function endKeys(owner: Pool, days: number, stop?: AbortSignal): Promise<number> {
  await owner.query('SELECT move_keys_bound($1)', [days]);
  let ended = 0;
  for (let block = 0; !stop?.aborted; block += BLOCKS) {
    const { rows } = await owner.query<{ count: number | null }>('SELECT end_keys($1, $2) AS count', [
      block,
      BLOCKS,
    ]);
    const count = rows[0]?.count ?? null;
    if (count === null) break;
    ended += count;
    // Appends go first.
    if (count > 0) await setTimeout(PAUSE_MS, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
  return ended;
}

/** Ends keys a minute after the start and then daily, on one instance at a time; after an error, ten minutes later. */
export function startKeyPolicy({ owner, days, onError }: KeyPolicyOptions): KeyPolicy {
  const stopping = new AbortController();
  const turn = createTurn(owner, 'audit_log.end_keys');

  async function loop(): Promise<void> {
    for (let waitMs = FIRST_MS; ; ) {
      // Jittered, so that instances that were started together do not ask the database together for ever.
      const jittered = waitMs * (0.5 + Math.random());
      await setTimeout(jittered, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      waitMs = EVERY_MS;
      try {
        if (await turn.isMine()) await endKeys(owner, days, stopping.signal);
      } catch (error) {
        onError(error as Error);
        waitMs = RETRY_MS;
      } finally {
        await turn.end();
      }
    }
  }

  const running = loop();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}
