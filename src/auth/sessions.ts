import type { Pool } from '../db/pool.ts';
import { findValid } from './api-keys.ts';
import type { Credential } from './principal-and-scopes.ts';

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

/** Creates the sessions of an instance. */
export function createSessions({ pool, now, onUse, onError }: SessionsOptions): Sessions {
  const ofKeys = new KeySessions(pool, onUse);
  const ofTokens = new TokenSessions(now);
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    ofKeys
      .check()
      .catch(onError)
      .finally(() => {
        isChecking = false;
      });
  }, CHECK_MS).unref();
  return {
    open: (credential, onEnd) =>
      credential.expiresAt === undefined
        ? ofKeys.open(credential, onEnd)
        : ofTokens.open(credential.expiresAt, onEnd),
    end: (keyId) => ofKeys.end(keyId),
    check: () => ofKeys.check().catch(onError),
    close: () => clearInterval(timer),
  };
}

interface OpenOnKey {
  credential: Credential;
  ends: Set<() => void>;
}

/** The sessions of API keys, which one statement checks for all keys. */
class KeySessions {
  readonly #pool: Pool;
  readonly #onUse: (keyId: string) => void;
  /** By the generation and id of the key. */
  readonly #open = new Map<string, OpenOnKey>();

  constructor(pool: Pool, onUse: (keyId: string) => void) {
    this.#pool = pool;
    this.#onUse = onUse;
  }

  open(credential: Credential, onEnd: () => void): () => void {
    const name = `${credential.generation}:${credential.keyId}`;
    const one = this.#open.get(name) ?? { credential, ends: new Set() };
    this.#open.set(name, one);
    one.ends.add(onEnd);
    return () => {
      one.ends.delete(onEnd);
      if (one.ends.size === 0 && this.#open.get(name) === one) this.#open.delete(name);
    };
  }

  end(keyId: string): void {
    for (const [name, one] of this.#open) if (one.credential.keyId === keyId) this.#end(name, one);
  }

  async check(): Promise<void> {
    const checked = [...this.#open];
    if (checked.length === 0) return;
    const ids = new Set(checked.map(([, { credential }]) => credential.keyId));
    const valid = await findValid(this.#pool, [...ids]);
    for (const [name, one] of checked) {
      const { keyId, generation } = one.credential;
      if (valid.get(keyId) === generation) this.#onUse(keyId);
      else this.#end(name, one);
    }
  }

  #end(name: string, { ends }: OpenOnKey): void {
    this.#open.delete(name);
    for (const onEnd of ends) onEnd();
  }
}

interface EndingAt {
  ends: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The sessions of tokens. One timer ends all sessions with the same expiry time, in the order of their opening: so a
 * subscription sends its error before its socket is closed.
 */
class TokenSessions {
  readonly #now: () => number;
  /** By expiry time. */
  readonly #ending = new Map<number, EndingAt>();

  constructor(now: () => number) {
    this.#now = now;
  }

  open(time: number, onEnd: () => void): () => void {
    const one = this.#ending.get(time) ?? this.#endAt(time);
    one.ends.add(onEnd);
    return () => {
      one.ends.delete(onEnd);
      if (one.ends.size > 0 || this.#ending.get(time) !== one) return;
      clearTimeout(one.timer);
      this.#ending.delete(time);
    };
  }

  #endAt(time: number): EndingAt {
    const one: EndingAt = { ends: new Set(), timer: undefined };
    const finish = () => {
      this.#ending.delete(time);
      for (const onEnd of one.ends) onEnd();
    };
    const wait = () => {
      const leftMs = Math.min(Math.max(time - this.#now(), 0), MAX_WAIT_MS);
      one.timer = setTimeout(() => (time <= this.#now() ? finish() : wait()), leftMs).unref();
    };
    this.#ending.set(time, one);
    wait();
    return one;
  }
}
