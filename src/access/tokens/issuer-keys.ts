import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { AuditError } from '../../errors.ts';
import { fetchJson } from './fetch-json.ts';

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
