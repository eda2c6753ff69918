import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { AuditError } from '../errors.ts';

/** Somebody whose tokens are accepted. */
export interface Issuer {
  /** What its tokens say in `iss`. */
  name: string;
  /** Where its public keys are (RFC 7517). */
  jwksUrl: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Reads `ISSUER JWKS_URL`, two words. Throws when it is something else, or keys would come over an open line. */
export function parseIssuer(text: string): Issuer {
  const [name = '', jwksUrl = '', ...rest] = text.split(/\s+/);
  if (!URL.canParse(jwksUrl) || rest.length > 0)
    throw new Error(
      'an issuer is written "ISSUER JWKS_URL": what its tokens say in iss, and where its keys are',
    );
  const { protocol, hostname, username, password } = new URL(jwksUrl);
  // Over http anybody on the way could put in keys of his own.
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    throw new Error('the JWKS URL of an issuer must be https, or http on this machine');
  if (username || password) throw new Error('the JWKS URL of an issuer has neither user nor password');
  return { name, jwksUrl };
}

const REFRESH_MS = 300_000;
const COOL_DOWN_MS = 10_000;
/** Whoever keeps the service from the issuer keeps a withdrawn key alive: not for ever. */
const MAX_AGE_MS = 86_400_000;
const MAX_KEYS = 100;

/** The public keys of an issuer. */
export interface IssuerKeys {
  /**
   * The key that a token's header names. Throws an error of jose when there is none that fits, and UNAVAILABLE when
   * the keys could not be fetched.
   */
  find: JWTVerifyGetKey;
  close(): void;
}

/** What the keys stand on. */
export interface IssuerKeysOptions {
  url: string;
  /** Longest time for a request. */
  timeoutMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  onProblem: (error: Error) => void;
}

/**
 * Fetches the keys at once, every five minutes, and when a token names one that is not among them, ten seconds after
 * the last try at the earliest. What was fetched goes on working while the issuer is away, for a day.
 */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { url, timeoutMs, now, onProblem } = options;
  let held: { find: JWTVerifyGetKey; fetchedAt: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let isAway = true;
  let fetching: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    try {
      const keys = await fetchJson(url, timeoutMs);
      held = { find: createLocalJWKSet(checkedKeys(keys)), fetchedAt: now() };
      isAway = false;
    } catch (error) {
      isAway = true;
      onProblem(error as Error);
    }
    triedAt = now();
  }

  function refresh(): Promise<void> {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  async function findHeld(...asked: Parameters<JWTVerifyGetKey>): Promise<Found> {
    if (!held || now() - held.fetchedAt > MAX_AGE_MS) return undefined;
    try {
      return await held.find(...asked);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    }
  }

  void refresh();
  const timer = setInterval(refresh, REFRESH_MS).unref();
  return {
    async find(...asked) {
      const known = await findHeld(...asked);
      if (known) return known;
      // The clock may have been set back.
      if (fetching || Math.abs(now() - triedAt) >= COOL_DOWN_MS) await refresh();
      const found = await findHeld(...asked);
      if (found) return found;
      if (isAway)
        throw new AuditError('UNAVAILABLE', "the keys of the token's issuer cannot be fetched: retry");
      throw new errors.JWKSNoMatchingKey();
    },
    close: () => clearInterval(timer),
  };
}

type Found = Awaited<ReturnType<JWTVerifyGetKey>> | undefined;

function checkedKeys(answer: unknown): JSONWebKeySet {
  const { keys } = Object(answer) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw new Error(`the answer is no key set of at most ${MAX_KEYS} keys`);
  return { keys } as JSONWebKeySet;
}

const MAX_BYTES = 262_144;

/**
 * What is at a URL, parsed. Redirects are not followed: keys come from where the operator said. Throws when there is no
 * answer of status 200 in time, or one of more than 256 KiB, or one that is no JSON.
 */
export async function fetchJson(url: string, timeoutMs: number): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await readText(response);
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
  return JSON.parse(text);
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
