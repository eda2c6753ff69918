import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import type { Principal, Scope } from './principal.ts';
import {
  type ClaimPath,
  type ClaimRules,
  customerOfClaims,
  isName,
  isToken,
  parseToken,
  scopesOfClaims,
  tokenError,
} from './token-claims.ts';
import { createIssuerKeys, type Issuer, type IssuerKeys } from './token-issuers.ts';

/** The settings that are about tokens, by their names in the environment. */
export interface TokenSettings {
  JWT_ISSUERS: readonly Issuer[];
  JWT_AUDIENCE: readonly string[];
  JWT_ALGORITHMS: readonly string[];
  JWT_CLOCK_TOLERANCE_MS: number;
  JWT_SCOPES_CLAIM: ClaimPath;
  JWT_SCOPE_MAP?: ReadonlyMap<string, readonly Scope[]> | undefined;
  JWT_CUSTOMER_CLAIM?: ClaimPath | undefined;
  OUTBOUND_TIMEOUT_MS: number;
}

/** What the settings mean for `createTokens`; the problems with an issuer's keys go to the log. */
export function tokenOptions(settings: TokenSettings, log: Logger): Omit<TokensOptions, 'now'> {
  return {
    rules: {
      issuers: settings.JWT_ISSUERS,
      audiences: settings.JWT_AUDIENCE,
      algorithms: settings.JWT_ALGORITHMS,
      clockToleranceMs: settings.JWT_CLOCK_TOLERANCE_MS,
      scopes: settings.JWT_SCOPES_CLAIM,
      scopesOf: settings.JWT_SCOPE_MAP,
      customer: settings.JWT_CUSTOMER_CLAIM,
    },
    timeoutMs: settings.OUTBOUND_TIMEOUT_MS,
    onProblem: (issuer, error) =>
      log.error({ issuer, cause: causeOf(error) }, 'the keys of an issuer cannot be used'),
  };
}

// fetch says "fetch failed" and nothing else; what went wrong is the cause.
function causeOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** The asymmetric algorithms (RFC 7518, RFC 8037); with a symmetric one, whoever can check could also sign. */
export const TOKEN_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const KEY_ID_PREFIX = 'jwt:';
const ISSUER_DIGITS = 12;
const MAX_SUBJECT = 1_024;
/** Longer ones are hashed, so that the id fits where events name who did something. */
const MAX_SHOWN_SUBJECT = 200;
/** The last moment of `Date`, in seconds. */
const MAX_SECONDS = 8.64e12;
// A token of another kind, signed by the same issuer for another end, is none for us (RFC 8725, 3.11).
const TYPES = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

/** What tokens are accepted, and what they mean. */
export interface TokenRules extends ClaimRules {
  issuers: readonly Issuer[];
  /** One of them has to be in `aud`. */
  audiences: readonly string[];
  algorithms: readonly string[];
  /** By how much the clock of an issuer may differ. */
  clockToleranceMs: number;
}

/** The tokens of issuers outside: signed JWTs (RFC 7519), as OpenID Connect and OAuth give them out. */
export interface Tokens {
  /** Whether `verify` is asked about this text. */
  isToken(text: string): boolean;
  /** The principal of a token. Throws UNAUTHENTICATED, and UNAVAILABLE when the keys of its issuer cannot be had. */
  verify(token: string): Promise<Principal>;
  /** Whether the id is that of a token's credential, of an issuer that is still accepted. */
  isTokenPrincipal(keyId: string): boolean;
  close(): void;
}

/** What the tokens stand on. */
export interface TokensOptions {
  rules: TokenRules;
  /** Longest time for a request to an issuer. */
  timeoutMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  onProblem: (issuer: string, error: Error) => void;
}

/** Makes the check of tokens, which begins to fetch the keys of the issuers. */
export function createTokens({ rules, timeoutMs, now, onProblem }: TokensOptions): Tokens {
  const issuers = new Map(
    rules.issuers.map(({ name, jwksUrl: url }) => [
      name,
      createIssuerKeys({ url, timeoutMs, now, onProblem: (error) => onProblem(name, error) }),
    ]),
  );
  const prefixes = new Set([...issuers.keys()].map(prefixOf));

  async function payloadOf(token: string, name: string, keys: IssuerKeys): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer: name,
        audience: [...rules.audiences],
        algorithms: [...rules.algorithms],
        clockTolerance: rules.clockToleranceMs / 1_000,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(now()),
      });
      return payload;
    } catch (error) {
      if (error instanceof AuditError) throw error;
      if (!(error instanceof errors.JOSEError)) onProblem(name, error as Error);
      throw tokenError(reasonOf(error));
    }
  }

  return {
    isToken: (text) => issuers.size > 0 && isToken(text),
    isTokenPrincipal: (keyId) => prefixes.has(keyId.slice(0, KEY_ID_PREFIX.length + ISSUER_DIGITS)),
    async verify(token) {
      const { header, claims } = parseToken(token);
      const name = claims.iss;
      const keys = typeof name === 'string' ? issuers.get(name) : undefined;
      if (!keys) throw tokenError('is of an issuer that is not accepted here');
      if (header.typ !== undefined && !TYPES.has(String(header.typ).toLowerCase()))
        throw tokenError('is of a kind that is not accepted here');
      return principalOfClaims(await payloadOf(token, name as string, keys), rules);
    },
    close() {
      for (const keys of issuers.values()) keys.close();
    },
  };
}

function principalOfClaims(claims: JWTPayload, rules: TokenRules): Principal {
  const { iss, sub, exp = Number.NaN } = claims;
  if (!isName(sub, MAX_SUBJECT)) throw tokenError('has a subject that cannot be');
  if (!(exp <= MAX_SECONDS)) throw tokenError('has no end');
  const scopes = scopesOfClaims(claims, rules);
  const customerId = customerOfClaims(claims, rules, scopes.includes('admin'));
  const subject = sub.length > MAX_SHOWN_SUBJECT ? `#${sha256(sub)}` : sub;
  const keyId = `${prefixOf(String(iss))}:${subject}`;
  return { keyId, generation: 0, scopes, customerId, expiresAt: exp * 1_000 + rules.clockToleranceMs };
}

function prefixOf(issuer: string): string {
  return KEY_ID_PREFIX + sha256(issuer).slice(0, ISSUER_DIGITS);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

// Claims are looked at once the signature was found right: whoever holds the token may know what is wrong with it.
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `has a "${error.claim}" that is not accepted here`;
  return 'is not signed with a key of its issuer';
}
