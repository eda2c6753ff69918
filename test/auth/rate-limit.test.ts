import { describe, expect, vi } from 'vitest';
import { createQuota } from '../../src/auth/quota.ts';
import {
  Bucket,
  createFailureLimit,
  createRateLimit,
  forgetFull,
  type RateLimit,
  takeShared,
} from '../../src/auth/rate-limit.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

const fail = (error: Error) => {
  throw error;
};
const limit = (points: number, of = pool) => createRateLimit({ pool: of, points, onError: fail });
const codeOf = (work: () => void): string => {
  try {
    work();
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a bucket', () => {
  test('admits a request while the balance is positive, then nothing until the debt is paid', () => {
    const bucket = new Bucket({ points: 60_000 }, 0);
    bucket.take(59_999, 0);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take(5_000, 0);
    expect(bucket.waitMs(0)).toBe(5_000);
    expect(bucket.waitMs(4_999)).toBe(1);
    expect(bucket.waitMs(5_000)).toBe(0);
  });

  test('fills up within a minute, and no further', () => {
    const bucket = new Bucket({ points: 100 }, 0);
    bucket.take(100, 0);
    expect(bucket.isFull(59_000)).toBe(false);
    expect(bucket.isFull(60_000)).toBe(true);
    bucket.take(100, 10_000_000);
    expect(bucket.waitMs(10_000_000)).toBeGreaterThan(0);
  });
});

describe('the shared bucket', () => {
  test('subtracts the points of several instances', async () => {
    const held = async (points: number) =>
      (await takeShared(pool, new Map([['a', points]]), 6_000)).get('a') ?? 0;
    expect(await held(1_000)).toBe(5_000);
    expect(await held(4_000)).toBeGreaterThanOrEqual(1_000);
    const debt = await held(3_000);
    expect(debt).toBeLessThan(0);
    expect(debt).toBeGreaterThanOrEqual(-2_000);
  });

  test('fills as time goes by', async () => {
    await takeShared(pool, new Map([['b', 6_000]]), 6_000);
    await pool.query(
      "UPDATE rate_buckets SET filled_at = filled_at - interval '30 seconds' WHERE key_id = 'b'",
    );
    const half = (await takeShared(pool, new Map([['b', 0]]), 6_000)).get('b');
    expect(half).toBeGreaterThanOrEqual(3_000);
    expect(half).toBeLessThan(3_600);
    await pool.query("UPDATE rate_buckets SET filled_at = filled_at - interval '1 day' WHERE key_id = 'b'");
    expect((await takeShared(pool, new Map([['b', 0]]), 6_000)).get('b')).toBe(6_000);
  });

  test('is forgotten when it is full again, by the role that the service has', async () => {
    const spent = new Map([
      ['spent', 3_000],
      ['full', 0],
      ['in debt', 600_000],
      ['paid', 3_000],
    ]);
    await takeShared(pool, spent, 6_000);
    const later =
      "UPDATE rate_buckets SET filled_at = filled_at - interval '1 minute' WHERE key_id = ANY ($1)";
    await pool.query(later, [['paid', 'in debt']]);
    const service = createPool(database.url, () => undefined, { role: 'audit_log_service' });
    await forgetFull(service, 6_000);
    await service.end();
    const { rows } = await pool.query<{ key_id: string }>(
      'SELECT key_id FROM rate_buckets WHERE key_id = ANY ($1)',
      [[...spent.keys()]],
    );
    expect(rows.map(({ key_id }) => key_id).toSorted()).toEqual(['in debt', 'spent']);
  });

  test('does not lock instances against each other', async () => {
    const keys = Array.from({ length: 200 }, (_, n) => `key-${n}`);
    const batches = Array.from({ length: 20 }, (_, n) => {
      const order = n % 2 === 0 ? keys : keys.toReversed();
      return takeShared(pool, new Map(order.map((key) => [key, 1])), 6_000);
    });
    for (const batch of await Promise.all(batches)) expect(batch.size).toBe(200);
  });
});

describe('the limit of a key', () => {
  test('is RATE_LIMITED with the time to wait', async () => {
    const rates = limit(6_000);
    rates.spend('single', 5_000);
    rates.spend('single', 5_000);
    expect(() => rates.spend('single', 1)).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) }),
    );
    expect(codeOf(() => rates.spend('another', 1))).toBe('fine');
    await rates.close();
  });

  test('is shared by all instances', async () => {
    const [one, other, third] = [limit(6_000), limit(6_000), limit(6_000)] as [
      RateLimit,
      RateLimit,
      RateLimit,
    ];
    one.spend('shared', 4_000);
    other.spend('shared', 4_000);
    await Promise.all([one.close(), other.close()]);
    third.spend('shared', 1);
    await vi.waitFor(() => expect(codeOf(() => third.check('shared'))).toBe('RATE_LIMITED'), 10_000);
    await third.close();
  });

  test('is kept by each instance alone while the database is unreachable', async () => {
    const nowhere = createPool('postgresql://postgres@127.0.0.1:1/none', () => undefined);
    const problems: Error[] = [];
    const rates = createRateLimit({ pool: nowhere, points: 100, onError: (error) => problems.push(error) });
    rates.spend('a', 200);
    await vi.waitFor(() => expect(problems.length).toBeGreaterThan(0), 10_000);
    expect(codeOf(() => rates.check('a'))).toBe('RATE_LIMITED');
    await rates.close();
    await nowhere.end();
  });

  test('of 0 is none', async () => {
    const rates = limit(0);
    rates.spend('free', 1e12);
    expect(codeOf(() => rates.spend('free', 1e12))).toBe('fine');
    await rates.close();
  });

  test('agrees with a reference model over random spending', () => {
    let now = 0;
    const bucket = new Bucket({ points: 600 }, now);
    let given = 0;
    for (let step = 0; step < 10_000; step += 1) {
      now += (step * 7919) % 97;
      const wanted = (step * 31) % 50;
      if (bucket.waitMs(now) > 0) continue;
      bucket.take(wanted, now);
      given += wanted;
    }
    expect(given).toBeLessThanOrEqual(600 + (now * 600) / 60_000 + 50);
    expect(given).toBeGreaterThan((now * 600) / 60_000 - 50);
  });
});

describe('wrong keys', () => {
  test('are counted for each address, and forgotten as time goes by', () => {
    let now = 0;
    const failures = createFailureLimit(2, () => now);
    for (const _ of [1, 2]) {
      expect(codeOf(() => failures.check('203.0.113.7'))).toBe('fine');
      failures.count('203.0.113.7');
    }
    expect(codeOf(() => failures.check('203.0.113.7'))).toBe('RATE_LIMITED');
    expect(codeOf(() => failures.check('203.0.113.8'))).toBe('fine');
    now = 31_000;
    expect(codeOf(() => failures.check('203.0.113.7'))).toBe('fine');
  });

  test('of an IPv6 network of /64 are counted together', () => {
    const failures = createFailureLimit(2, () => 0);
    failures.count('2001:db8:1:2::1');
    failures.count('2001:db8:1:2:ffff:ffff:ffff:ffff');
    expect(codeOf(() => failures.check('2001:db8:1:2:3::4'))).toBe('RATE_LIMITED');
    expect(codeOf(() => failures.check('2001:db8:1:3::1'))).toBe('fine');
    expect(codeOf(() => failures.check(undefined))).toBe('fine');
  });

  test('of many addresses take bounded memory', () => {
    const failures = createFailureLimit(1, () => 0);
    failures.count('first');
    for (let n = 0; n < 10_000; n += 1) failures.count(`2001:db8:0:${n.toString(16)}::1`);
    expect(codeOf(() => failures.check('first'))).toBe('fine');
    expect(codeOf(() => failures.check('2001:db8:0:270f::1'))).toBe('RATE_LIMITED');
  });
});

describe('a quota', () => {
  const SUBSCRIPTIONS = { what: 'subscriptions', code: 'TOO_MANY_SUBSCRIPTIONS' } as const;
  const bytes = 1_000;
  const weightOf = (document: object, documentBytes = 0, ownBytes = 0) => ({
    document,
    documentBytes,
    ownBytes,
  });

  test('counts by key and in all, and a release counts once', () => {
    const quota = createQuota({ ...SUBSCRIPTIONS, total: { count: 3, bytes }, perKey: { count: 2, bytes } });
    const take = (key: string) => quota.take(key, weightOf({}));
    const [a1, _a2, b1] = [take('a'), take('a'), take('b')];
    expect(codeOf(() => take('a'))).toBe('TOO_MANY_SUBSCRIPTIONS');
    expect(codeOf(() => take('c'))).toBe('TOO_MANY_SUBSCRIPTIONS');
    b1?.();
    b1?.();
    expect(codeOf(() => take('c'))).toBe('fine');
    expect(codeOf(() => take('d'))).toBe('TOO_MANY_SUBSCRIPTIONS');
    a1?.();
    expect(codeOf(() => take('a'))).toBe('fine');
  });

  test('weighs a document once while it is held, by key and in all', () => {
    const { take } = createQuota({
      ...SUBSCRIPTIONS,
      total: { count: 9, bytes: 150 },
      perKey: { count: 9, bytes: 110 },
    });
    const [one, other] = [{}, {}];
    const first = take('a', weightOf(one, 100, 5));
    const second = take('a', weightOf(one, 100, 5));
    expect(codeOf(() => take('a', weightOf(one, 100, 5)))).toBe('OVERLOADED');
    expect(codeOf(() => take('b', weightOf(other, 50, 0)))).toBe('OVERLOADED');
    const shared = take('b', weightOf(one, 100, 10));
    first();
    second();
    expect(codeOf(() => take('a', weightOf(other, 45, 0)))).toBe('OVERLOADED');
    shared();
    expect(codeOf(() => take('a', weightOf(other, 105, 5)))).toBe('fine');
  });
});
