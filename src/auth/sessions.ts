import type { Pool } from '../db/pool.ts';
import { findValid } from './api-keys.ts';
import type { Credential } from './principal.ts';

const CHECK_MS = 2_000;
/** Timers cannot wait for longer. */
const MAX_WAIT_MS = 2_147_483_647;

/** What is open for longer than a request: WebSockets and subscriptions, each on a key or a token. They end with it. */
export interface Sessions {
  /** Calls `onEnd`, once, when the key is revoked, expires or gets another secret, or the token expires; returns the release. */
  open(credential: Credential, onEnd: () => void): () => void;
  /** Ends what is open on the key. */
  end(keyId: string): void;
  /** Asks the database which keys are still valid and ends what is open on the others. */
  check(): Promise<void>;
  close(): void;
}

/** What the sessions stand on. */
export interface SessionsOptions {
  pool: Pool;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called at every check with the id of a valid key on which something is open. */
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

/** Makes the sessions of an instance, with one check for all keys every two seconds, and a timer for each end of tokens. */
export function createSessions({ pool, now, onUse, onError }: SessionsOptions): Sessions {
  const open = new Map<string, OpenOnKey>();
  /** What is open on tokens, by the time at which they expire. */
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

  // One timer for all that end at a time, so that a subscription has its last word before its socket is closed.
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
