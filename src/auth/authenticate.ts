import type { Pool } from '../db/pool.ts';
import { withDeadline } from '../deadline.ts';
import { AuditError } from '../errors.ts';
import type { Peer } from '../log/append/record.ts';
import { type ApiKey, findKeys, hashSecret, isMistyped } from './api-keys.ts';
import type { Principal } from './principal-and-scopes.ts';
import type { FailureLimit } from './rate-limit.ts';
import type { Tokens } from './tokens.ts';

const KNOWN_MS = 5_000;
/** Limit on the total length of the remembered secrets and tokens. */
const MAX_KNOWN_CHARACTERS = 4_000_000;
const MAX_SECRET = 512;
const BEARER = /^Bearer +(\S{16,8192})$/i;

// Messages to clients. They are short, since the close reason of a WebSocket has at most 123 bytes.
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
  const known = new KnownPrincipals();

  async function principalOf(secret: string, address: string | undefined): Promise<Principal> {
    const principal = known.find(secret, now());
    if (principal) return principal;
    const { generation } = known;
    try {
      const found = await findPrincipal(options, secret);
      known.add(secret, found, generation);
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
      known.forget();
      options.keys.forget();
    },
  };
}

/** The principals of accepted keys and tokens, each until it has to be looked up again. */
class KnownPrincipals {
  readonly #bySecret = new Map<string, KnownPrincipal>();
  #characters = 0;
  #generation = 0;

  /** The number of times that all were forgotten. */
  get generation(): number {
    return this.#generation;
  }

  find(secret: string, now: number): Principal | undefined {
    const known = this.#bySecret.get(secret);
    return known && known.until > now ? known.principal : undefined;
  }

  /** Adds a principal, unless all were forgotten since `generation`: its key may have been revoked during the look-up. */
  add(secret: string, principal: KnownPrincipal, generation: number): void {
    if (generation !== this.#generation) return;
    if (this.#characters + secret.length > MAX_KNOWN_CHARACTERS) this.forget();
    if (!this.#bySecret.has(secret)) this.#characters += secret.length;
    this.#bySecret.set(secret, principal);
  }

  forget(): void {
    this.#bySecret.clear();
    this.#characters = 0;
    this.#generation += 1;
  }
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

/** A secret that waits for its look-up. */
class WaitingSecret {
  /** The hash in hex. */
  readonly name: string;
  readonly hash: Buffer;
  readonly since: number;
  readonly found: Promise<ApiKey | undefined>;
  resolve!: (key: ApiKey | undefined) => void;
  reject!: (error: unknown) => void;

  constructor(name: string, hash: Buffer, since: number) {
    this.name = name;
    this.hash = hash;
    this.since = since;
    this.found = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
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
  readonly #queue: WaitingSecret[] = [];
  #waiting = new Map<string, WaitingSecret>();
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

  #enqueue(name: string, hash: Buffer): WaitingSecret {
    const waiting = new WaitingSecret(name, hash, this.#now());
    this.#waiting.set(name, waiting);
    this.#queue.push(waiting);
    // All secrets that arrive in this iteration of the event loop form one batch.
    setImmediate(() => this.#start());
    return waiting;
  }

  #start(): void {
    while (this.#running < BATCHES_AT_ONCE && this.#queue.length > 0) {
      this.#running += 1;
      const batch = this.#queue.splice(0, MAX_BATCH).filter((waiting) => this.#isInTime(waiting));
      void this.#lookUp(batch).finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }

  #isInTime(waiting: WaitingSecret): boolean {
    if (this.#now() - waiting.since <= DEADLINE_MS) return true;
    this.#waiting.delete(waiting.name);
    waiting.reject(late());
    return false;
  }

  async #lookUp(batch: readonly WaitingSecret[]): Promise<void> {
    if (batch.length === 0) return;
    // `forget` replaces both maps: a result from before it is neither shared nor remembered.
    const [waiting, unknown] = [this.#waiting, this.#unknown];
    const hashes = batch.map(({ hash }) => hash);
    try {
      const keys = await withDeadline(findKeys(this.#pool, hashes), DEADLINE_MS, () => {
        throw late();
      });
      for (const { name, resolve } of batch) {
        const key = keys.get(name);
        if (!key && unknown === this.#unknown) this.#rememberUnknown(name);
        resolve(key);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    for (const { name } of batch) waiting.delete(name);
  }

  #rememberUnknown(name: string): void {
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size >= MAX_UNKNOWN && oldest !== undefined) this.#unknown.delete(oldest);
    this.#unknown.set(name, this.#now() + UNKNOWN_MS);
  }
}

function late(): AuditError {
  return new AuditError('UNAVAILABLE', 'the API key cannot be looked up: the database does not answer');
}
