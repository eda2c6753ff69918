import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { AuditError } from '../errors.ts';
import { networkOf } from '../events/address.ts';

const SYNC_MS = 1_000;
const FORGET_MS = 600_000;

/** Limits the points that a key may spend in a minute, over all instances. */
export interface RateLimit {
  /** Throws RATE_LIMITED, with the time to wait, while the key has no points left. */
  check(keyId: string): void;
  /** Checks the limit and takes the cost of an operation, in points. */
  spend(keyId: string, points: number): void;
  /** Takes the cost of work that is already done, without a check: the balance may become negative. */
  charge(keyId: string, points: number): void;
  close(): Promise<void>;
}

/** Options of `createRateLimit`. */
export interface RateLimitOptions {
  pool: Pool;
  /** Points a minute, and the most that a key can have at once. 0: no limit. */
  points: number;
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
  onError: (error: Error) => void;
}

/** Creates the limit. */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { pool, points: size, onError } = options;
  if (size === 0) return { check() {}, spend() {}, charge() {}, close: async () => undefined };
  const accounts = new Accounts(options);
  const timers = [
    setInterval(() => accounts.shareSoon(), SYNC_MS).unref(),
    setInterval(() => void forgetFull(pool, size).catch(onError), FORGET_MS).unref(),
  ];
  return {
    check(keyId) {
      accounts.check(keyId);
    },
    spend(keyId, points) {
      accounts.check(keyId);
      accounts.take(keyId, points);
    },
    charge(keyId, points) {
      if (points > 0) accounts.take(keyId, points);
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      await accounts.close();
    },
  };
}

interface Account {
  bucket: Bucket;
  /** Points spent in this instance that are not yet taken from the shared bucket. */
  unshared: number;
}

/**
 * The buckets of keys in this instance. No request waits for the database: once a second, one statement takes the points
 * spent here from the buckets in the database, and their balances replace those of this instance. Points that several
 * instances overspend within a second become debt, so that the limit holds over a minute.
 */
class Accounts {
  readonly #pool: Pool;
  readonly #size: number;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  readonly #accounts = new Map<string, Account>();
  #sharing: Promise<void> | undefined;

  constructor({ pool, points, now = () => performance.now(), onError }: RateLimitOptions) {
    this.#pool = pool;
    this.#size = points;
    this.#now = now;
    this.#onError = onError;
  }

  check(keyId: string): void {
    const waitMs = this.#accountOf(keyId).bucket.waitMs(this.#now());
    if (waitMs === 0) return;
    const message = `this API key has spent its ${this.#size} points a minute: try again later`;
    throw new AuditError('RATE_LIMITED', message, undefined, waitMs);
  }

  take(keyId: string, points: number): void {
    const account = this.#accountOf(keyId);
    account.bucket.take(points, this.#now());
    account.unshared += points;
  }

  shareSoon(): void {
    this.#sharing ??= this.#share().finally(() => {
      this.#sharing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#sharing;
    await this.#share();
  }

  #accountOf(keyId: string): Account {
    const known = this.#accounts.get(keyId);
    if (known) return known;
    const account = { bucket: new Bucket({ points: this.#size }, this.#now()), unshared: 0 };
    this.#accounts.set(keyId, account);
    // Other instances may have spent points of the key.
    setImmediate(() => this.shareSoon());
    return account;
  }

  async #share(): Promise<void> {
    const spent = new Map<string, number>();
    for (const [keyId, account] of this.#accounts) {
      if (account.unshared > 0) spent.set(keyId, account.unshared);
      else if (account.bucket.isFull(this.#now())) this.#accounts.delete(keyId);
      account.unshared = 0;
    }
    if (spent.size === 0) return;
    const balances = await takeShared(this.#pool, spent, this.#size).catch((error: Error) => {
      this.#onError(error);
      return new Map<string, number>();
    });
    for (const [keyId, points] of balances) {
      const account = this.#accounts.get(keyId);
      account?.bucket.set(points - account.unshared, this.#now());
    }
  }
}

/** Points by the id of a key. */
export type PointsByKey = ReadonlyMap<string, number>;

/**
 * Takes the points that this instance has spent from the buckets that all instances share, and returns the balances,
 * which are negative while there is debt. A bucket holds `size` points and gains as many in a minute.
 */
export async function takeShared(pool: Pool, spent: PointsByKey, size: number): Promise<PointsByKey> {
  // In the order of the keys, so that two instances cannot deadlock.
  const rows = await prismaOn(pool).$queryRaw<{ keyId: string; points: number }[]>`
    INSERT INTO rate_buckets AS bucket (key_id, points, filled_at)
      SELECT key_id, ${size}::float8 - spent, clock_timestamp()
      FROM unnest(${[...spent.keys()]}::text[], ${[...spent.values()]}::float8[]) AS batch (key_id, spent)
      ORDER BY key_id COLLATE "C"
    ON CONFLICT (key_id) DO UPDATE SET filled_at = excluded.filled_at,
      points = excluded.points - ${size}::float8 + least(${size}::float8, bucket.points
        + ${size}::float8 / 60 * greatest(0, extract(epoch FROM excluded.filled_at - bucket.filled_at)))
    RETURNING key_id AS "keyId", points`;
  return new Map(rows.map(({ keyId, points }) => [keyId, points]));
}

/** Removes the shared buckets that are full again: an absent bucket counts as full. */
export async function forgetFull(pool: Pool, size: number): Promise<void> {
  await prismaOn(pool).$executeRaw`DELETE FROM rate_buckets
    WHERE points + ${size}::float8 / 60 * extract(epoch FROM clock_timestamp() - filled_at) >= ${size}::float8`;
}

const MAX_ADDRESSES = 10_000;
/** The usual size of the IPv6 network of one customer line: its user can take any address of it. */
const IPV6_BITS = 64;

/**
 * Limits the work for clients without a valid key, for each IPv4 address and each IPv6 network of /64: wrong keys and
 * other refused requests.
 */
export interface FailureLimit {
  /** Throws RATE_LIMITED while the address is over the limit. To be called after a key was found to be wrong. */
  check(address: string | undefined): void;
  /** Counts a wrong key, or other work, of which each millisecond counts as one wrong key. */
  count(address: string | undefined, milliseconds?: number): void;
}

/** Creates the limit of this instance: `perMinute` wrong keys for each address. 0: no limit. */
export function createFailureLimit(
  perMinute: number,
  now: () => number = () => performance.now(),
): FailureLimit {
  const buckets = new Map<string, Bucket>();

  const nameOf = (address = '') => networkOf(address, IPV6_BITS);

  function bucketOf(address: string): Bucket {
    const bucket = buckets.get(address) ?? new Bucket({ points: perMinute }, now());
    // Moved to the end: the least recently used address is dropped first.
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

/** The size of a token bucket. */
export interface BucketSize {
  /** Points of a full bucket, and points that it gains in a minute. */
  points: number;
}

const MINUTE_MS = 60_000;

/**
 * A token bucket that allows overdraft: a request is admitted while the balance is at least one point, whatever it costs.
 * Then nothing is admitted until the debt is paid. So an operation that costs more than a full bucket can run. Times are
 * in milliseconds of a monotonic clock.
 */
export class Bucket {
  readonly #size: BucketSize;
  #points: number;
  #filledAt: number;

  /** Creates a full bucket. */
  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#points = size.points;
    this.#filledAt = now;
  }

  /** Whether the bucket is full. */
  isFull(now: number): boolean {
    return this.#fill(now) >= this.#size.points;
  }

  /** Milliseconds until a request is admitted. 0: now. */
  waitMs(now: number): number {
    const points = this.#fill(now);
    return points >= 1 ? 0 : Math.ceil(((1 - points) * MINUTE_MS) / this.#size.points);
  }

  take(points: number, now: number): void {
    this.#points = this.#fill(now) - points;
  }

  /** Sets the balance. */
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
