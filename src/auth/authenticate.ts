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

interface Waiting {
  /** The hash in hex. */
  name: string;
  hash: Buffer;
  since: number;
  found: Promise<ApiKey | undefined>;
  resolve(key: ApiKey | undefined): void;
  reject(error: unknown): void;
}

/**
 * Finds keys by their secrets. A flood of wrong secrets must not delay right ones: all waiting secrets are looked up by
 * one statement on the index of hashes, so that a secret waits for at most two statements. An unknown secret is
 * remembered for five seconds. The duration of a look-up reveals nothing about the secrets, since their hashes are
 * compared.
 */
export class KeyLookup {
  readonly #pool: Pool;
  readonly #now: () => number;
  readonly #queue: Waiting[] = [];
  #waiting = new Map<string, Waiting>();
  /** The hashes of unknown secrets, and until when they are remembered. */
  #unknown = new Map<string, number>();
  #running = 0;

  constructor(pool: Pool, now: () => number = () => performance.now()) {
    this.#pool = pool;
    this.#now = now;
  }

  /** The key. Undefined when it is unknown, expired or revoked. Throws UNAVAILABLE when the database does not answer. */
  async find(secret: string): Promise<ApiKey | undefined> {
    const hash = hashSecret(secret);
    const name = hash.toString('hex');
    if ((this.#unknown.get(name) ?? 0) > this.#now()) return undefined;
    return (this.#waiting.get(name) ?? this.#enqueue(name, hash)).found;
  }

  /** Forgets previous results: keys may have changed. */
  forget(): void {
    this.#waiting = new Map();
    this.#unknown = new Map();
  }

  #enqueue(name: string, hash: Buffer): Waiting {
    const settle: Partial<Waiting> = {};
    const found = new Promise<ApiKey | undefined>((resolve, reject) => {
      Object.assign(settle, { resolve, reject });
    });
    const one = { name, hash, since: this.#now(), found, ...(settle as Pick<Waiting, 'resolve' | 'reject'>) };
    this.#waiting.set(name, one);
    this.#queue.push(one);
    // All secrets that arrive in this iteration of the event loop form one batch.
    setImmediate(() => this.#start());
    return one;
  }

  #start(): void {
    while (this.#running < BATCHES_AT_ONCE && this.#queue.length > 0) {
      this.#running += 1;
      const batch = this.#queue.splice(0, MAX_BATCH).filter((one) => this.#isInTime(one));
      void this.#lookUp(batch).finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }

  #isInTime(one: Waiting): boolean {
    if (this.#now() - one.since <= DEADLINE_MS) return true;
    this.#waiting.delete(one.name);
    one.reject(late());
    return false;
  }

  async #lookUp(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    // `forget` replaces both: a result from before it is neither shared nor remembered.
    const [waiting, unknown] = [this.#waiting, this.#unknown];
    const hashes = batch.map(({ hash }) => hash);
    try {
      const keys = await inTime(findKeys(this.#pool, hashes));
      for (const one of batch) {
        const key = keys.get(one.name);
        if (!key && unknown === this.#unknown) this.#rememberUnknown(one.name);
        one.resolve(key);
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    for (const { name } of batch) waiting.delete(name);
  }

  #rememberUnknown(name: string): void {
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size >= MAX_UNKNOWN && oldest !== undefined) this.#unknown.delete(oldest);
    this.#unknown.set(name, this.#now() + UNKNOWN_MS);
  }
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
