import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import type { Peer } from '../log/append/record.ts';
import { type ApiKey, findKeys, hashSecret, isMistyped } from './api-keys.ts';
import type { Principal } from './principal.ts';
import type { FailureLimit } from './rate-limit.ts';
import type { Tokens } from './tokens.ts';

const KNOWN_MS = 5_000;
/** Limit on the total length of the remembered secrets and tokens. */
const MAX_KNOWN_CHARACTERS = 4_000_000;
const MAX_SECRET = 512;
const BEARER = /^Bearer +(\S{16,8192})$/i;

// What a client is told: the reason of a WebSocket's close has room for some hundred characters.
const MISSING = 'no API key was sent: send it as "Authorization: Bearer KEY"';
const MALFORMED = 'the value of Authorization is not an API key: send "Bearer KEY" with a whole key';
const MISTYPED = 'the API key is not complete or has a wrong character: copy it again';
const UNKNOWN = 'the API key is unknown, expired or revoked: use another key';

/**
 * Finds the principal of an `Authorization` header: `Bearer` and an API key or a token. Throws UNAUTHENTICATED without a
 * valid credential, UNAVAILABLE when the database or the keys of a token's issuer cannot be reached, and RATE_LIMITED for
 * an invalid credential when too many invalid ones have come from the address of `peer`. A valid credential is never
 * refused because of other requests.
 */
export type Authenticate = (authorization: string | undefined | null, peer?: Peer) => Promise<Principal>;

/** The authentication of an instance. An accepted key or token is remembered for five seconds. */
export interface Authentication {
  authenticate: Authenticate;
  /** Forgets the accepted keys: one of them may have been revoked. */
  forget(): void;
}

/** Options of `createAuthentication`. */
export interface AuthenticationOptions {
  keys: KeyLookup;
  /**
   * The configured secret of the admin key. It may look like a generated secret with a wrong checksum, or like a token.
   */
  adminSecret: string | undefined;
  tokens: Tokens;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called with the id of the key for each request. */
  onUse: (keyId: string) => void;
  failures: FailureLimit;
}

interface KnownPrincipal {
  principal: Principal;
  until: number;
}

/** Creates the authentication of an instance. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { tokens, now, onUse, failures } = options;
  let known = new Map<string, KnownPrincipal>();
  let knownCharacters = 0;

  function forget(): void {
    known = new Map();
    knownCharacters = 0;
  }

  function remember(secret: string, one: KnownPrincipal): void {
    if (knownCharacters + secret.length > MAX_KNOWN_CHARACTERS) forget();
    if (!known.has(secret)) knownCharacters += secret.length;
    known.set(secret, one);
  }

  async function principalOf(secret: string, address: string | undefined): Promise<Principal> {
    const remembered = known.get(secret);
    if (remembered && remembered.until > now()) return remembered.principal;
    // When `forget` is called during the look-up, its result is not remembered.
    const asked = known;
    try {
      const found = await findPrincipal(options, secret);
      if (asked === known) remember(secret, found);
      return found.principal;
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
      if (secret === undefined) throw unauthenticated(authorization?.trim() ? MALFORMED : MISSING);
      if (secret.length > MAX_SECRET && !tokens.isToken(secret)) throw unauthenticated(UNKNOWN);
      const principal = await principalOf(secret, peer?.ipAddress);
      if (principal.expiresAt === undefined) onUse(principal.keyId);
      return principal;
    },
    forget() {
      forget();
      options.keys.forget();
    },
  };
}

async function findPrincipal(
  { keys, adminSecret, tokens, now }: AuthenticationOptions,
  secret: string,
): Promise<KnownPrincipal> {
  const isChosen = adminSecret !== undefined && hashSecret(secret).equals(hashSecret(adminSecret));
  if (!isChosen && tokens.isToken(secret)) {
    const principal = await tokens.verify(secret);
    return { principal, until: Math.min(now() + KNOWN_MS, principal.expiresAt ?? 0) };
  }
  if (isMistyped(secret) && !isChosen) throw unauthenticated(MISTYPED);
  const key = await keys.find(secret);
  if (!key) throw unauthenticated(UNKNOWN);
  const { id: keyId, generation, scopes, customerId, expiresAt = Number.POSITIVE_INFINITY } = key;
  return {
    principal: { keyId, generation, scopes, customerId },
    until: Math.min(now() + KNOWN_MS, expiresAt),
  };
}

function unauthenticated(message: string): AuditError {
  return new AuditError('UNAUTHENTICATED', message);
}

const MAX_BATCH = 256;
const BATCHES_AT_ONCE = 2;
/** Deadline of a secret in the queue, and of the statement that looks it up. */
const DEADLINE_MS = 5_000;
const UNKNOWN_MS = 5_000;
const MAX_UNKNOWN = 10_000;

/** Finds keys by their secrets. */
export interface KeyLookup {
  /** The key. Undefined when it is unknown, expired or revoked. Throws UNAVAILABLE when the database does not answer. */
  find(secret: string): Promise<ApiKey | undefined>;
  /** Forgets previous results: keys may have changed. */
  forget(): void;
}

interface Waiting {
  hash: Buffer;
  since: number;
  found: Promise<ApiKey | undefined>;
  resolve(key: ApiKey | undefined): void;
  reject(error: unknown): void;
}

/**
 * Creates the look-up of keys. A flood of wrong secrets must not delay right ones: all waiting secrets are looked up by
 * one statement on the index of hashes, so that a secret waits for at most two statements. An unknown secret is
 * remembered for five seconds. The duration of a look-up reveals nothing about the secrets, since their hashes are
 * compared.
 */
export function createKeyLookup(pool: Pool, now: () => number = () => performance.now()): KeyLookup {
  const queue: Waiting[] = [];
  let asked = new Map<string, Waiting>();
  let unknown = new Map<string, number>();
  let running = 0;

  function start(): void {
    while (running < BATCHES_AT_ONCE && queue.length > 0) {
      running += 1;
      const batch = queue.splice(0, MAX_BATCH).filter(isInTime);
      void lookUp(batch).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  function isInTime(one: Waiting): boolean {
    if (now() - one.since <= DEADLINE_MS) return true;
    asked.delete(one.hash.toString('hex'));
    one.reject(late());
    return false;
  }

  async function lookUp(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const [asking, noting] = [asked, unknown];
    try {
      const keys = await inTime(
        findKeys(
          pool,
          batch.map(({ hash }) => hash),
        ),
      );
      for (const one of batch) {
        const name = one.hash.toString('hex');
        const key = keys.get(name);
        if (!key && noting === unknown) note(name);
        one.resolve(key);
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    for (const { hash } of batch) asking.delete(hash.toString('hex'));
  }

  function note(name: string): void {
    const [oldest] = unknown.keys();
    if (unknown.size >= MAX_UNKNOWN && oldest !== undefined) unknown.delete(oldest);
    unknown.set(name, now() + UNKNOWN_MS);
  }

  function ask(name: string, hash: Buffer): Waiting {
    let settle: Pick<Waiting, 'resolve' | 'reject'> | undefined;
    const found = new Promise<ApiKey | undefined>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const one = { hash, since: now(), found, ...(settle as unknown as Pick<Waiting, 'resolve' | 'reject'>) };
    asked.set(name, one);
    queue.push(one);
    // All secrets that arrive in this iteration of the event loop form one batch.
    setImmediate(start);
    return one;
  }

  return {
    async find(secret) {
      const hash = hashSecret(secret);
      const name = hash.toString('hex');
      if ((unknown.get(name) ?? 0) > now()) return undefined;
      return (asked.get(name) ?? ask(name, hash)).found;
    },
    forget() {
      asked = new Map();
      unknown = new Map();
    },
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function late(): AuditError {
  return new AuditError('UNAVAILABLE', 'the API key cannot be looked up: the database does not answer');
}
