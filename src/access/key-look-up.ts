import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import { type ApiKey, findKeys } from './keys.ts';
import { hashSecret } from './secret.ts';

const MAX_BATCH = 256;
const BATCHES_AT_ONCE = 2;
/** Longest time that a look-up waits for its statement, and a statement for the database. */
const DEADLINE_MS = 5_000;
const UNKNOWN_MS = 5_000;
const MAX_UNKNOWN = 10_000;

/** Finds keys by their secrets. */
export interface KeyLookUp {
  /** The key; undefined when it is unknown, expired or revoked. Throws UNAVAILABLE when the database does not answer. */
  find(secret: string): Promise<ApiKey | undefined>;
  /** Forgets what was found: keys may have changed. */
  forget(): void;
}

interface Waiting {
  hash: Buffer;
  since: number;
  found: Promise<ApiKey | undefined>;
  resolve(key: ApiKey | undefined): void;
  reject(error: unknown): void;
}

/**
 * Makes the look-up. Wrong secrets, however many, must not hold up right ones: all that wait are looked up together, by
 * one statement on the index of the hashes, so a secret waits for two statements at most. An unknown secret is
 * remembered for five seconds. How long a look-up takes says nothing of the secrets, since their hashes are compared.
 */
export function createKeyLookUp(pool: Pool, now: () => number = () => performance.now()): KeyLookUp {
  const queue: Waiting[] = [];
  let asked = new Map<string, Waiting>();
  let unknown = new Map<string, number>();
  let running = 0;

  function start(): void {
    while (running < BATCHES_AT_ONCE && queue.length > 0) {
      running += 1;
      const batch = queue.splice(0, MAX_BATCH).filter(isInTime);
      void lookUp(batch).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  function isInTime(one: Waiting): boolean {
    if (now() - one.since <= DEADLINE_MS) return true;
    asked.delete(one.hash.toString('hex'));
    one.reject(late());
    return false;
  }

  async function lookUp(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const [asking, noting] = [asked, unknown];
    try {
      const keys = await inTime(
        findKeys(
          pool,
          batch.map(({ hash }) => hash),
        ),
      );
      for (const one of batch) {
        const name = one.hash.toString('hex');
        const key = keys.get(name);
        if (!key && noting === unknown) note(name);
        one.resolve(key);
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    for (const { hash } of batch) asking.delete(hash.toString('hex'));
  }

  function note(name: string): void {
    const [oldest] = unknown.keys();
    if (unknown.size >= MAX_UNKNOWN && oldest !== undefined) unknown.delete(oldest);
    unknown.set(name, now() + UNKNOWN_MS);
  }

  function ask(name: string, hash: Buffer): Waiting {
    let settle: Pick<Waiting, 'resolve' | 'reject'> | undefined;
    const found = new Promise<ApiKey | undefined>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const one = { hash, since: now(), found, ...(settle as unknown as Pick<Waiting, 'resolve' | 'reject'>) };
    asked.set(name, one);
    queue.push(one);
    // What arrives in this turn of the event loop is one batch.
    setImmediate(start);
    return one;
  }

  return {
    async find(secret) {
      const hash = hashSecret(secret);
      const name = hash.toString('hex');
      if ((unknown.get(name) ?? 0) > now()) return undefined;
      return (asked.get(name) ?? ask(name, hash)).found;
    },
    forget() {
      asked = new Map();
      unknown = new Map();
    },
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function late(): AuditError {
  return new AuditError('UNAVAILABLE', 'the API key cannot be looked up: the database does not answer');
}
