import type { Pool } from '../db/pool.ts';
import { findValid } from './keys.ts';

const CHECK_MS = 2_000;

/** What is open for longer than a request: WebSockets and subscriptions, each on a key. They end with it. */
export interface Sessions {
  /** Calls `onEnd`, once, when the key is revoked or expires; returns the release. */
  open(keyId: string, onEnd: () => void): () => void;
  /** Ends what is open on the key. */
  end(keyId: string): void;
  /** Asks the database which keys are still valid and ends what is open on the others. */
  check(): Promise<void>;
  close(): void;
}

/** What the sessions stand on. */
export interface SessionsOptions {
  pool: Pool;
  /** Called at every check with the id of a valid key on which something is open. */
  onUse: (keyId: string) => void;
  onError: (error: Error) => void;
}

/** Makes the sessions of an instance, with one check for all of them every two seconds. */
export function createSessions({ pool, onUse, onError }: SessionsOptions): Sessions {
  const open = new Map<string, Set<() => void>>();
  let isChecking = false;

  function end(keyId: string): void {
    const ends = open.get(keyId);
    open.delete(keyId);
    for (const onEnd of ends ?? []) onEnd();
  }

  async function check(): Promise<void> {
    const ids = [...open.keys()];
    if (ids.length === 0) return;
    const valid = await findValid(pool, ids);
    for (const id of ids) {
      if (valid.has(id)) onUse(id);
      else end(id);
    }
  }

  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    check()
      .catch(onError)
      .finally(() => {
        isChecking = false;
      });
  }, CHECK_MS).unref();

  return {
    open(keyId, onEnd) {
      const ends = open.get(keyId) ?? new Set();
      open.set(keyId, ends.add(onEnd));
      return () => {
        ends.delete(onEnd);
        if (ends.size === 0 && open.get(keyId) === ends) open.delete(keyId);
      };
    },
    end,
    check: () => check().catch(onError),
    close: () => clearInterval(timer),
  };
}
