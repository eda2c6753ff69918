import { AuditError } from '../errors.ts';
import type { Peer } from '../pipeline/own.ts';
import type { Failures } from './failures.ts';
import type { KeyLookUp } from './key-look-up.ts';
import { hashSecret, isMistyped } from './secret.ts';
import type { Tokens } from './tokens/tokens.ts';
import type { Viewer } from './viewer.ts';

const KNOWN_MS = 5_000;
/** Of all secrets and tokens that are remembered. */
const MAX_KNOWN_CHARACTERS = 4_000_000;
const MAX_SECRET = 512;
const BEARER = /^Bearer +(\S{16,8192})$/i;

/**
 * Finds the viewer of an `Authorization` value (`Bearer KEY`, or a token) that came from somewhere. Throws
 * UNAUTHENTICATED when there is none or a wrong one, UNAVAILABLE when the database or the keys of a token's issuer
 * cannot be reached, and RATE_LIMITED for a wrong one when too many wrong ones have come from there. A right one is never
 * refused for what others have sent.
 */
export type Authenticate = (authorization: string | undefined | null, peer?: Peer) => Promise<Viewer>;

/** The authentication of an instance. A key or token that was accepted is remembered for five seconds. */
export interface Authentication {
  authenticate: Authenticate;
  /** Forgets the keys that were accepted: one of them may have been revoked. */
  forget(): void;
}

/** What the authentication stands on. */
export interface AuthenticationOptions {
  keys: KeyLookUp;
  /** A secret that somebody chose: it may look like one of ours with a wrong checksum, or like a token. */
  adminSecret: string | undefined;
  tokens: Tokens;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called with the id of the key at every request. */
  onUse: (keyId: string) => void;
  failures: Failures;
}

interface Known {
  viewer: Viewer;
  until: number;
}

/** Makes the authentication. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { tokens, now, onUse, failures } = options;
  let known = new Map<string, Known>();
  let knownCharacters = 0;

  function forget(): void {
    known = new Map();
    knownCharacters = 0;
  }

  function remember(secret: string, one: Known): void {
    if (knownCharacters + secret.length > MAX_KNOWN_CHARACTERS) forget();
    if (!known.has(secret)) knownCharacters += secret.length;
    known.set(secret, one);
  }

  async function viewerOf(secret: string, address: string | undefined): Promise<Viewer> {
    const remembered = known.get(secret);
    if (remembered && remembered.until > now()) return remembered.viewer;
    // Forgotten meanwhile, the answer is not remembered.
    const asked = known;
    try {
      const found = await lookUp(options, secret);
      if (asked === known) remember(secret, found);
      return found.viewer;
    } catch (error) {
      if (error instanceof AuditError && error.code === 'UNAUTHENTICATED') {
        failures.check(address);
        failures.count(address);
      }
      throw error;
    }
  }

  return {
    async authenticate(authorization, peer) {
      const secret = BEARER.exec(authorization?.trim() ?? '')?.[1];
      if (secret === undefined || (secret.length > MAX_SECRET && !tokens.isToken(secret)))
        throw new AuditError('UNAUTHENTICATED', 'send an API key as "Authorization: Bearer KEY"');
      const viewer = await viewerOf(secret, peer?.ipAddress);
      if (viewer.expiresAt === undefined) onUse(viewer.keyId);
      return viewer;
    },
    forget() {
      forget();
      options.keys.forget();
    },
  };
}

async function lookUp(
  { keys, adminSecret, tokens, now }: AuthenticationOptions,
  secret: string,
): Promise<Known> {
  const isChosen = adminSecret !== undefined && hashSecret(secret).equals(hashSecret(adminSecret));
  if (!isChosen && tokens.isToken(secret)) {
    const viewer = await tokens.verify(secret);
    return { viewer, until: Math.min(now() + KNOWN_MS, viewer.expiresAt ?? 0) };
  }
  const isRefused = isMistyped(secret) && !isChosen;
  const key = isRefused ? undefined : await keys.find(secret);
  if (!key) throw new AuditError('UNAUTHENTICATED', 'the API key is unknown, expired or revoked');
  const { id: keyId, generation, scopes, customerId, expiresAt = Number.POSITIVE_INFINITY } = key;
  return {
    viewer: { keyId, generation, scopes, customerId },
    until: Math.min(now() + KNOWN_MS, expiresAt),
  };
}
