import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import type { Peer } from '../pipeline/own.ts';
import type { Failures } from './failures.ts';
import { type ApiKey, findKey } from './keys.ts';
import { hashSecret, isMistyped } from './secret.ts';
import type { Viewer } from './viewer.ts';

const KNOWN_MS = 5_000;
const MAX_KNOWN = 10_000;

/**
 * Finds the viewer of an `Authorization` value (`Bearer KEY`) that came from somewhere. Throws UNAUTHENTICATED when
 * there is none, and RATE_LIMITED when too many wrong keys have come from there, unless this one was right before.
 */
export type Authenticate = (authorization: string | undefined | null, peer?: Peer) => Promise<Viewer>;

/** The authentication of an instance. A key that was accepted is remembered for five seconds. */
export interface Authentication {
  authenticate: Authenticate;
  /** Forgets the keys that were accepted: one of them may have been revoked. */
  forget(): void;
}

/** What the authentication stands on. */
export interface AuthenticationOptions {
  pool: Pool;
  /** A secret that somebody chose: it may look like one of ours with a wrong checksum. */
  adminSecret: string | undefined;
  /** Called with the id of the key at every request. */
  onUse: (keyId: string) => void;
  failures: Failures;
}

/** Makes the authentication. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { pool, adminSecret, onUse, failures } = options;
  const accepted = new Set<string>();
  let known = new Map<string, { viewer: Viewer; until: number }>();

  async function viewerOf(secret: string, address: string | undefined): Promise<Viewer> {
    const remembered = known.get(secret);
    if (remembered && remembered.until > Date.now()) return remembered.viewer;
    // Forgotten meanwhile, the answer goes into a map that nobody asks any more.
    const asked = known;
    asked.delete(secret);
    const hash = hashSecret(secret).toString('base64');
    if (!accepted.has(hash)) failures.check(address);
    const isRefused = isMistyped(secret) && secret !== adminSecret;
    const key = isRefused ? undefined : await findKey(pool, secret);
    if (!key) {
      failures.count(address);
      throw new AuditError('UNAUTHENTICATED', 'the API key is unknown, expired or revoked');
    }
    if (accepted.size >= MAX_KNOWN) accepted.clear();
    accepted.add(hash);
    const viewer = { keyId: key.id, scopes: key.scopes, customerId: key.customerId };
    if (asked.size >= MAX_KNOWN) asked.clear();
    asked.set(secret, { viewer, until: knownUntil(key) });
    return viewer;
  }

  return {
    async authenticate(authorization, peer) {
      const secret = /^Bearer +(\S{16,512})$/i.exec(authorization?.trim() ?? '')?.[1];
      if (secret === undefined)
        throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
      const viewer = await viewerOf(secret, peer?.ipAddress);
      onUse(viewer.keyId);
      return viewer;
    },
    forget() {
      known = new Map();
    },
  };
}

function knownUntil({ expiresAt = Number.POSITIVE_INFINITY }: ApiKey): number {
  return Math.min(Date.now() + KNOWN_MS, expiresAt);
}
