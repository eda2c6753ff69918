import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import { findViewer } from './keys.ts';
import type { Viewer } from './viewer.ts';

const KNOWN_MS = 5_000;
const MAX_KNOWN = 10_000;

/** Finds the viewer of an `Authorization` value (`Bearer KEY`); throws UNAUTHENTICATED when there is none. */
export type Authenticate = (authorization: string | undefined | null) => Promise<Viewer>;

/** Makes the authentication on a pool. A key that was accepted is remembered for five seconds. */
export function createAuthenticate(pool: Pool): Authenticate {
  const known = new Map<string, { viewer: Viewer; until: number }>();
  return async (authorization) => {
    const secret = /^Bearer +(\S{16,512})$/i.exec(authorization?.trim() ?? '')?.[1];
    if (secret === undefined)
      throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
    const remembered = known.get(secret);
    if (remembered && remembered.until > Date.now()) return remembered.viewer;
    known.delete(secret);
    const viewer = await findViewer(pool, secret);
    if (!viewer) throw new AuditError('UNAUTHENTICATED', 'the API key is unknown, expired or revoked');
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(secret, { viewer, until: Date.now() + KNOWN_MS });
    return viewer;
  };
}
