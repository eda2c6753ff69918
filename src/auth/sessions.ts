import type { Pool } from '../db/pool.ts';
import { findValid } from './api-keys.ts';
import type { Credential } from './principal.ts';

const CHECK_MS = 2_000;
/** The longest delay of a timer. */
const MAX_WAIT_MS = 2_147_483_647;

/** WebSockets and subscriptions, which outlive a request. They end when their key or token is no longer valid. */
export interface Sessions {
  /**
   * Calls `onEnd` once, when the key is revoked, expires or gets another secret, or when the token expires. Returns a
   * function that closes the session.
   */
  open(credential: Credential, onEnd: () => void): () => void;
  /** Ends the sessions of the key. */
  end(keyId: string): void;
  /** Asks the database which keys are still valid, and ends the sessions of the others. */
  check(): Promise<void>;
  close(): void;
}

/** Options of `createSessions`. */
export interface SessionsOptions {
  pool: Pool;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called at every check with the id of each valid key that has a session. */
  onUse: (keyId: string) => void;
  onError: (error: Error) => void;
}

interface OpenOnKey {
  credential: Credential;
  ends: Set<() => void>;
}

interface EndingAt {
  ends: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Creates the sessions of an instance: one check of all keys every two seconds, one timer for each expiry time of tokens.
 */
export function createSessions({ pool, now, onUse, onError }: SessionsOptions): Sessions {
  const open = new Map<string, OpenOnKey>();
  /** The sessions of tokens, by their expiry time. */
  const ending = new Map<number, EndingAt>();
  let isChecking = false;

  function end(name: string, { ends }: OpenOnKey): void {
    open.delete(name);
    for (const onEnd of ends) onEnd();
  }

  async function check(): Promise<void> {
    const asked = [...open];
    if (asked.length === 0) return;
    const valid = await findValid(pool, [...new Set(asked.map(([, { credential }]) => credential.keyId))]);
    for (const [name, one] of asked) {
      const { keyId, generation } = one.credential;
      if (valid.get(keyId) === generation) onUse(keyId);
      else end(name, one);
    }
  }

  function openOnKey(credential: Credential, onEnd: () => void): () => void {
    const name = `${credential.generation}:${credential.keyId}`;
    const one = open.get(name) ?? { credential, ends: new Set() };
    open.set(name, one);
    one.ends.add(onEnd);
    return () => {
      one.ends.delete(onEnd);
      if (one.ends.size === 0 && open.get(name) === one) open.delete(name);
    };
  }

  // One timer for all sessions of an expiry time: a subscription sends its error before its socket is closed.
  function endAt(time: number): EndingAt {
    const one: EndingAt = { ends: new Set(), timer: undefined };
    const wait = () => {
      const leftMs = Math.min(Math.max(time - now(), 0), MAX_WAIT_MS);
      one.timer = setTimeout(() => (time <= now() ? finish() : wait()), leftMs).unref();
    };
    const finish = () => {
      ending.delete(time);
      for (const onEnd of one.ends) onEnd();
    };
    ending.set(time, one);
    wait();
    return one;
  }

  function openUntil(time: number, onEnd: () => void): () => void {
    const one = ending.get(time) ?? endAt(time);
    one.ends.add(onEnd);
    return () => {
      one.ends.delete(onEnd);
      if (one.ends.size > 0 || ending.get(time) !== one) return;
      clearTimeout(one.timer);
      ending.delete(time);
    };
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
    open: (credential, onEnd) =>
      credential.expiresAt === undefined
        ? openOnKey(credential, onEnd)
        : openUntil(credential.expiresAt, onEnd),
    end(keyId) {
      for (const [name, one] of open) if (one.credential.keyId === keyId) end(name, one);
    },
    check: () => check().catch(onError),
    close: () => clearInterval(timer),
  };
}
