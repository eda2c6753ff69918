import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import type { Principal, Scope } from './principal-and-scopes.ts';
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

/** The settings for tokens, by their names in the environment. */
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

/** The options of `createTokens` from the settings. Problems with the keys of an issuer are logged. */
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

// The message of a failed fetch is only "fetch failed": the reason is in its cause.
function causeOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** The asymmetric algorithms (RFC 7518, RFC 8037). With a symmetric one, the service could sign tokens itself. */
export const TOKEN_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const KEY_ID_PREFIX = 'jwt:';
const ISSUER_DIGITS = 12;
const MAX_SUBJECT = 1_024;
/** A longer subject is hashed, so that the id fits in the `userId` of an event. */
const MAX_SHOWN_SUBJECT = 200;
/** The latest time of `Date`, in seconds. */
const MAX_SECONDS = 8.64e12;
// The same issuer may sign tokens of other types for other purposes (RFC 8725, 3.11).
const TYPES = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

/** Which tokens are accepted, and how their claims map to rights. */
export interface TokenRules extends ClaimRules {
  issuers: readonly Issuer[];
  /** `aud` must contain one of them. */
  audiences: readonly string[];
  algorithms: readonly string[];
  /** The accepted difference to the clock of an issuer. */
  clockToleranceMs: number;
}

/** Verifies tokens of external issuers: signed JWTs (RFC 7519), as of OpenID Connect and OAuth. */
export interface Tokens {
  /** Whether the text has the form of a token and an issuer is configured. */
  isToken(text: string): boolean;
  /** The principal of a token. Throws UNAUTHENTICATED, and UNAVAILABLE when the keys of its issuer cannot be fetched. */
  verify(token: string): Promise<Principal>;
  /** Whether the id is of the principal of a token, from an issuer that is still accepted. */
  isTokenPrincipal(keyId: string): boolean;
  close(): void;
}

/** Options of `createTokens`. */
export interface TokensOptions {
  rules: TokenRules;
  /** Deadline of a request to an issuer. */
  timeoutMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  onProblem: (issuer: string, error: Error) => void;
}

/** Creates the verification of tokens, and starts to fetch the keys of the issuers. */
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
      if (!keys) throw tokenError('has an issuer that is not accepted here');
      if (header.typ !== undefined && !TYPES.has(String(header.typ).toLowerCase()))
        throw tokenError('has a "typ" that is not accepted here');
      return principalOfClaims(await payloadOf(token, name as string, keys), rules);
    },
    close() {
      for (const keys of issuers.values()) keys.close();
    },
  };
}

function principalOfClaims(claims: JWTPayload, rules: TokenRules): Principal {
  const { iss, sub, exp = Number.NaN } = claims;
  if (!isName(sub, MAX_SUBJECT)) throw tokenError('has an invalid subject');
  if (!(exp <= MAX_SECONDS)) throw tokenError('has no valid expiry time');
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

// The signature was verified before: these reasons are told only to the owner of a token of the issuer.
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `has a "${error.claim}" that is not accepted here`;
  return 'is not signed with a key of its issuer';
}
