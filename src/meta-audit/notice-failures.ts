import type { Authenticate } from '../access/authenticate.ts';
import { AuditError, type ErrorCode } from '../errors.ts';
import type { MetaAudit } from './meta-audit.ts';

/** The same authentication, whose failures are noticed: `missing`, `refused`, or `limited` after too many. */
export function noticeFailures(authenticate: Authenticate, { failed }: MetaAudit): Authenticate {
  return async (authorization, peer = {}) => {
    try {
      return await authenticate(authorization, peer);
    } catch (error) {
      const what = error instanceof AuditError && WHAT[error.code];
      if (what) failed(peer, { what: authorization ? what : 'missing' });
      throw error;
    }
  };
}

const WHAT: Partial<Record<ErrorCode, string>> = { UNAUTHENTICATED: 'refused', RATE_LIMITED: 'limited' };
