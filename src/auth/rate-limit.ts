import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import { networkOf } from '../events/address.ts';

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

/** Points by the id of a key. */
export type PointsByKey = ReadonlyMap<string, number>;

/**
 * Takes from the buckets that all instances share what this one has spent, and returns what they hold now: less than
 * nothing while there is debt. `size` is what a bucket holds, and what flows in during a minute.
 */
export async function takeShared(pool: Pool, spent: PointsByKey, size: number): Promise<PointsByKey> {
  // In the order of the keys: so two instances never wait for each other's rows in a circle.
  const { rows } = await pool.query<{ key_id: string; points: number }>(
    `INSERT INTO rate_buckets AS bucket (key_id, points, filled_at)
     SELECT key_id, $3 - spent, clock_timestamp() FROM unnest($1::text[], $2::float8[]) AS batch (key_id, spent)
     ORDER BY key_id COLLATE "C"
     ON CONFLICT (key_id) DO UPDATE SET filled_at = excluded.filled_at,
       points = excluded.points - $3::float8 + least($3::float8, bucket.points
         + $3::float8 / 60 * greatest(0, extract(epoch FROM excluded.filled_at - bucket.filled_at)))
     RETURNING key_id, points`,
    [[...spent.keys()], [...spent.values()], size],
  );
  return new Map(rows.map(({ key_id, points }) => [key_id, points]));
}

/** Removes the shared buckets that are full again: whoever they belong to would start with a full one. */
export async function forgetFull(pool: Pool, size: number): Promise<void> {
  await pool.query(
    `DELETE FROM rate_buckets
     WHERE points + $1::float8 / 60 * extract(epoch FROM clock_timestamp() - filled_at) >= $1::float8`,
    [size],
  );
}

const MAX_ADDRESSES = 10_000;
/** What one household gets of IPv6 addresses: whoever has one has all of them. */
const IPV6_BITS = 64;

/**
 * The work that is done for nothing for each address, of IPv6 for each network of /64: wrong keys, and what else is
 * refused to a client without a valid one.
 */
export interface FailureLimit {
  /** Throws RATE_LIMITED while there was too much of it. To be asked once the key was found to be wrong. */
  check(address: string | undefined): void;
  /** One more wrong key came; or other work was done, of which a millisecond counts as one. */
  count(address: string | undefined, milliseconds?: number): void;
}

/** Makes the count, `perMinute` for each address, in this instance alone. 0: no limit. */
export function createFailureLimit(
  perMinute: number,
  now: () => number = () => performance.now(),
): FailureLimit {
  const buckets = new Map<string, Bucket>();

  const nameOf = (address = '') => networkOf(address, IPV6_BITS);

  function bucketOf(address: string): Bucket {
    const bucket = buckets.get(address) ?? new Bucket({ points: perMinute }, now());
    // The last to be used stays longest.
    buckets.delete(address);
    buckets.set(address, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > MAX_ADDRESSES && oldest !== undefined) buckets.delete(oldest);
    return bucket;
  }

  return {
    check(address) {
      if (perMinute === 0) return;
      const waitMs = buckets.get(nameOf(address))?.waitMs(now()) ?? 0;
      if (waitMs === 0) return;
      const message = 'too many wrong API keys came from this address: send a right one, or try again later';
      throw new AuditError('RATE_LIMITED', message, undefined, waitMs);
    },
    count(address, milliseconds = 1) {
      if (perMinute > 0) bucketOf(nameOf(address)).take(milliseconds, now());
    },
  };
}

/** A token bucket: it holds so much, and fills up within a minute. */
export interface BucketSize {
  /** Points that it holds when full; also what flows in during a minute. */
  points: number;
}

const MINUTE_MS = 60_000;

/**
 * What somebody may still spend. What is spent may be more than there is, as long as there is a point: then nothing
 * more is given until the debt is paid, so even the dearest operation has its turn. Times are in milliseconds, of a
 * clock that never goes back.
 */
export class Bucket {
  readonly #size: BucketSize;
  #points: number;
  #filledAt: number;

  /** A full one. */
  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#points = size.points;
    this.#filledAt = now;
  }

  /** Whether nothing was taken for so long that it is full again. */
  isFull(now: number): boolean {
    return this.#fill(now) >= this.#size.points;
  }

  /** After how many milliseconds something may be taken; 0: now. */
  waitMs(now: number): number {
    const points = this.#fill(now);
    return points >= 1 ? 0 : Math.ceil(((1 - points) * MINUTE_MS) / this.#size.points);
  }

  take(points: number, now: number): void {
    this.#points = this.#fill(now) - points;
  }

  /** Sets what it holds. */
  set(points: number, now: number): void {
    this.#points = points;
    this.#filledAt = now;
  }

  #fill(now: number): number {
    const inflow = ((now - this.#filledAt) * this.#size.points) / MINUTE_MS;
    this.#points = Math.min(this.#size.points, this.#points + inflow);
    this.#filledAt = now;
    return this.#points;
  }
}
