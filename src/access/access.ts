import type { Pool } from '../db/pool.ts';
import { type Authenticate, createAuthentication } from './authenticate.ts';
import { createFailures } from './failures.ts';
import { createQuota, type Quota, type QuotaOptions } from './quota.ts';
import { createRateLimit, type RateLimit } from './rate/rate-limit.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createUsage } from './usage.ts';

/** What an instance knows of keys: who sends one, what is open on each, and when it ends. */
export interface Access {
  authenticate: Authenticate;
  sessions: Sessions;
  rates: RateLimit;
  subscriptions: Quota;
  /** A key was revoked here: it ends now. */
  onRevoked(keyId: string): void;
  /** Keys may have been revoked elsewhere. */
  onChanged(): void;
  /** Resolves when the times of last use, and what was spent, are stored. */
  close(): Promise<void>;
}

/** What `createAccess` stands on. */
export interface AccessOptions {
  pool: Pool;
  /** The admin's secret that the deployment chose, of whatever shape. */
  adminSecret: string | undefined;
  /** Points that a key may spend in a minute; 0: any number. */
  ratePoints: number;
  /** Wrong keys that may come from an address in a minute; 0: any number. */
  failuresPerMinute: number;
  subscriptions: QuotaOptions;
  onError: (error: Error) => void;
}

/** Makes the access of an instance. */
export function createAccess(options: AccessOptions): Access {
  const { pool, adminSecret, onError } = options;
  const usage = createUsage(pool, onError);
  const sessions = createSessions({ pool, onUse: usage.mark, onError });
  const { authenticate, forget } = createAuthentication({
    pool,
    adminSecret,
    onUse: usage.mark,
    failures: createFailures(options.failuresPerMinute),
  });
  const rates = createRateLimit({ pool, points: options.ratePoints, onError });
  return {
    authenticate,
    sessions,
    rates,
    subscriptions: createQuota(options.subscriptions),
    onRevoked(keyId) {
      forget();
      sessions.end(keyId);
    },
    onChanged() {
      forget();
      void sessions.check();
    },
    async close() {
      sessions.close();
      await Promise.all([usage.close(), rates.close()]);
    },
  };
}
