import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { AuditError } from '../errors.ts';
import { readBody } from '../response-body.ts';

/** An issuer whose tokens are accepted. */
export interface Issuer {
  /** The `iss` claim of its tokens. */
  name: string;
  /** The URL of its key set (RFC 7517). */
  jwksUrl: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Parses `ISSUER JWKS_URL`. Throws on another form, and on a URL whose connection is not encrypted. */
export function parseIssuer(text: string): Issuer {
  const [name = '', jwksUrl = '', ...rest] = text.split(/\s+/);
  if (!URL.canParse(jwksUrl) || rest.length > 0)
    throw new Error(
      'an issuer is written "ISSUER JWKS_URL": the iss claim of its tokens, and the URL of its keys',
    );
  const { protocol, hostname, username, password } = new URL(jwksUrl);
  // Over http, an attacker on the network path could replace the keys.
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    throw new Error('the JWKS URL of an issuer must be https, or http on this machine');
  if (username || password) throw new Error('the JWKS URL of an issuer must not contain a user or password');
  return { name, jwksUrl };
}

const REFRESH_MS = 300_000;
const COOL_DOWN_MS = 10_000;
/** How long fetched keys are used while the issuer cannot be reached: it may have withdrawn one of them meanwhile. */
const MAX_AGE_MS = 86_400_000;
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;

/** The public keys of an issuer. */
export interface IssuerKeys {
  /**
   * The key that a token's header names. Throws an error of jose when no key fits, and UNAVAILABLE when the keys could
   * not be fetched.
   */
  find: JWTVerifyGetKey;
  close(): void;
}

/** Options of `createIssuerKeys`. */
export interface IssuerKeysOptions {
  url: string;
  /** Deadline of a request. */
  timeoutMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  onProblem: (error: Error) => void;
}

/**
 * Fetches the keys at once, every five minutes, and when a token names an unknown key, but not within ten seconds of the
 * last attempt. While the issuer cannot be reached, the fetched keys stay in use for a day.
 */
export function createIssuerKeys({ url, timeoutMs, now, onProblem }: IssuerKeysOptions): IssuerKeys {
  let triedAt = Number.NEGATIVE_INFINITY;
  let hasFailed = false;
  // The clock may have been set back.
  const isCoolingDown = () => Math.abs(now() - triedAt) < COOL_DOWN_MS;

  async function fetchKeys(...[target, options]: Parameters<FetchImplementation>): Promise<Response> {
    if (hasFailed && isCoolingDown()) throw unavailable();
    try {
      const fetched = checkedKeys(await fetchJson(target, options));
      hasFailed = false;
      return Response.json(fetched);
    } catch (error) {
      hasFailed = true;
      onProblem(error as Error);
      throw unavailable();
    } finally {
      triedAt = now();
    }
  }

  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cacheMaxAge: MAX_AGE_MS,
    // `find` has its own cool-down: that of jose ignores failed attempts, and lasts longer when the clock is set back.
    cooldownDuration: Number.POSITIVE_INFINITY,
    [customFetch]: fetchKeys,
  });
  const refresh = () => keys.reload().catch(() => undefined);
  void refresh();
  const timer = setInterval(refresh, REFRESH_MS).unref();
  return {
    async find(...token) {
      try {
        return await keys(...token);
      } catch (error) {
        const mayBeNew = keys.reloading || hasFailed || !isCoolingDown();
        if (!(mayBeNew && error instanceof errors.JWKSNoMatchingKey)) throw error;
        await keys.reload();
        return keys(...token);
      }
    },
    close: () => clearInterval(timer),
  };
}

function unavailable(): AuditError {
  return new AuditError('UNAVAILABLE', "the keys of the token's issuer cannot be fetched: retry");
}

/**
 * The JSON of a response with status 200 and at most `MAX_BYTES`. A redirect is an error: it could lead to other keys.
 */
async function fetchJson(url: string, options: Parameters<FetchImplementation>[1]): Promise<unknown> {
  const response = await fetch(url, { ...options, redirect: 'error' });
  const body = await readBody(response, MAX_BYTES);
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
  return JSON.parse(body.toString('utf8'));
}

/** Throws also what jose would throw about the keys later, so that `fetchKeys` can report it. */
function checkedKeys(answer: unknown): JSONWebKeySet {
  const { keys } = Object(answer) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw new Error(`the answer is not a key set of at most ${MAX_KEYS} keys`);
  const set = { keys } as JSONWebKeySet;
  createLocalJWKSet(set);
  return set;
}
