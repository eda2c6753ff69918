import type { Pool } from '../db/pool.ts';
import { type Authenticate, createAuthentication } from './authenticate.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createUsage } from './usage.ts';

/** What an instance knows of keys: who sends one, what is open on each, and when it ends. */
export interface Access {
  authenticate: Authenticate;
  sessions: Sessions;
  /** A key was revoked here: it ends now. */
  onRevoked(keyId: string): void;
  /** Keys may have been revoked elsewhere. */
  onChanged(): void;
  /** Resolves when the times of last use are stored. */
  close(): Promise<void>;
}

/** What `createAccess` stands on. */
export interface AccessOptions {
  pool: Pool;
  /** The admin's secret that the deployment chose, of whatever shape. */
  adminSecret: string | undefined;
  onError: (error: Error) => void;
}

/** Makes the access of an instance. */
export function createAccess({ pool, adminSecret, onError }: AccessOptions): Access {
  const usage = createUsage(pool, onError);
  const sessions = createSessions({ pool, onUse: usage.mark, onError });
  const { authenticate, forget } = createAuthentication({ pool, adminSecret, onUse: usage.mark });
  return {
    authenticate,
    sessions,
    onRevoked(keyId) {
      forget();
      sessions.end(keyId);
    },
    onChanged() {
      forget();
      void sessions.check();
    },
    close() {
      sessions.close();
      return usage.close();
    },
  };
}
