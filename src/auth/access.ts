import type { Pool } from '../db/pool.ts';
import { createUsage, findValid } from './api-keys.ts';
import { type Authenticate, createAuthentication, KeyLookup } from './authenticate.ts';
import type { Credential } from './principal-and-scopes.ts';
import { createQuota, type Quota, type QuotaOptions } from './quota.ts';
import { createFailureLimit, createRateLimit, type FailureLimit, type RateLimit } from './rate-limit.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createTokens, type TokensOptions } from './tokens.ts';

/** Authentication and limits of an instance: principals, their sessions, rates and quotas. */
export interface Access {
  authenticate: Authenticate;
  sessions: Sessions;
  /** Whether the key or token is still valid. */
  isValid(credential: Credential): Promise<boolean>;
  rates: RateLimit;
  failures: FailureLimit;
  subscriptions: Quota;
  /** Ends the sessions of a key that this instance has revoked. */
  onRevoked(keyId: string): void;
  /** Checks all keys in use: another instance may have changed one. */
  onChanged(): void;
  /** Resolves when the times of last use and the spent points are stored. */
  close(): Promise<void>;
}

/** Options of `createAccess`. */
export interface AccessOptions {
  pool: Pool;
  /** The configured secret of the admin key, of any form. */
  adminSecret: string | undefined;
  tokens: Omit<TokensOptions, 'now'>;
  /** Points that a key may spend in a minute. 0: no limit. */
  ratePoints: number;
  /** Wrong keys that an address may send in a minute before they are RATE_LIMITED. 0: no limit. */
  failuresPerMinute: number;
  subscriptions: Pick<QuotaOptions, 'total' | 'perKey'>;
  /** Milliseconds since 1970. */
  now: () => number;
  onError: (error: Error) => void;
}

/** Creates the authentication and limits of an instance. */
export function createAccess(options: AccessOptions): Access {
  const { pool, adminSecret, now, onError } = options;
  const usage = createUsage(pool, onError);
  const sessions = createSessions({ pool, now, onUse: usage.mark, onError });
  const tokens = createTokens({ ...options.tokens, now });
  const failures = createFailureLimit(options.failuresPerMinute);
  const { authenticate, forget } = createAuthentication({
    keys: new KeyLookup(pool),
    adminSecret,
    tokens,
    now,
    onUse: usage.mark,
    failures,
  });
  const rates = createRateLimit({ pool, points: options.ratePoints, onError });
  return {
    authenticate,
    sessions,
    async isValid({ keyId, generation, expiresAt }) {
      if (expiresAt !== undefined) return expiresAt > now() && tokens.isTokenPrincipal(keyId);
      return (await findValid(pool, [keyId])).get(keyId) === generation;
    },
    rates,
    failures,
    subscriptions: createQuota({
      ...options.subscriptions,
      what: 'subscriptions',
      code: 'TOO_MANY_SUBSCRIPTIONS',
    }),
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
      tokens.close();
      await Promise.all([usage.close(), rates.close()]);
    },
  };
}
