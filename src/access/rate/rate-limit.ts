import type { Pool } from '../../db/pool.ts';
import { AuditError } from '../../errors.ts';
import { Bucket } from './bucket.ts';
import { forgetFull, takeShared } from './shared-buckets.ts';

const SYNC_MS = 1_000;
const FORGET_MS = 600_000;

/** How much a key may ask for in a minute, over all instances. */
export interface RateLimit {
  /** Throws RATE_LIMITED, which says when to come again, while the key has spent what it may. */
  check(keyId: string): void;
  /** Checks, and takes the price of what is about to be done, in points. */
  spend(keyId: string, points: number): void;
  /** Takes what was done already, and refused or dearer than its price, whether or not there is as much left. */
  charge(keyId: string, points: number): void;
  close(): Promise<void>;
}

/** What the limit stands on. */
export interface RateLimitOptions {
  pool: Pool;
  /** Points a minute; a key that was quiet has as many at once. 0: no limit. */
  points: number;
  /** Milliseconds on a clock that never goes back. */
  now?: () => number;
  onError: (error: Error) => void;
}

interface Account {
  bucket: Bucket;
  /** What was spent here and is not taken from the shared bucket yet. */
  unshared: number;
}

/**
 * Makes the limit. Nobody waits for the database: each instance decides by a bucket of its own, and takes what was
 * spent from the shared one, whose state then becomes that of its own, once a second, for all keys in one statement.
 * What several instances spend too much within that second is debt, so over a minute the limit is kept.
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { pool, points: size, now = () => performance.now(), onError } = options;
  if (size === 0) return { check() {}, spend() {}, charge() {}, close: async () => undefined };
  const accounts = new Map<string, Account>();
  let sharing: Promise<void> | undefined;

  async function share(): Promise<void> {
    const spent = new Map<string, number>();
    for (const [keyId, account] of accounts) {
      if (account.unshared > 0) spent.set(keyId, account.unshared);
      else if (account.bucket.isFull(now())) accounts.delete(keyId);
      account.unshared = 0;
    }
    if (spent.size === 0) return;
    const held = await takeShared(pool, spent, size).catch((error: Error) => {
      onError(error);
      return new Map<string, number>();
    });
    for (const [keyId, points] of held) {
      const account = accounts.get(keyId);
      account?.bucket.set(points - account.unshared, now());
    }
  }

  function shareSoon(): void {
    sharing ??= share().finally(() => {
      sharing = undefined;
    });
  }

  function accountOf(keyId: string): Account {
    const known = accounts.get(keyId);
    if (known) return known;
    const account = { bucket: new Bucket({ points: size }, now()), unshared: 0 };
    accounts.set(keyId, account);
    // What other instances know of the key.
    setImmediate(shareSoon);
    return account;
  }

  function check(keyId: string): Account {
    const account = accountOf(keyId);
    const waitMs = account.bucket.waitMs(now());
    if (waitMs === 0) return account;
    const message = `this API key has spent its ${size} points a minute: try again later`;
    throw new AuditError('RATE_LIMITED', message, undefined, waitMs);
  }

  function take(account: Account, points: number): void {
    account.bucket.take(points, now());
    account.unshared += points;
  }

  const timers = [
    setInterval(shareSoon, SYNC_MS).unref(),
    setInterval(() => void forgetFull(pool, size).catch(onError), FORGET_MS).unref(),
  ];
  return {
    check(keyId) {
      check(keyId);
    },
    spend(keyId, points) {
      take(check(keyId), points);
    },
    charge(keyId, points) {
      if (points > 0) take(accountOf(keyId), points);
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      await sharing;
      await share();
    },
  };
}
