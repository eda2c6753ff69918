import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { AuditError } from '../../errors.ts';
import type { Viewer } from '../viewer.ts';
import { type ClaimRules, customerOfClaims, isName, scopesOfClaims, tokenError } from './claims.ts';
import type { Issuer } from './issuer.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { isToken, readToken } from './token.ts';

/** The asymmetric algorithms (RFC 7518, RFC 8037); with a symmetric one, whoever can check could also sign. */
export const TOKEN_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const PREFIX = 'jwt:';
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
  /** The viewer of a token. Throws UNAUTHENTICATED, and UNAVAILABLE when the keys of its issuer cannot be had. */
  verify(token: string): Promise<Viewer>;
  /** Whether the id is that of a token's holder, of an issuer that is still accepted. */
  isHolder(keyId: string): boolean;
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
    isHolder: (keyId) => prefixes.has(keyId.slice(0, PREFIX.length + ISSUER_DIGITS)),
    async verify(token) {
      const { header, claims } = readToken(token);
      const name = claims.iss;
      const keys = typeof name === 'string' ? issuers.get(name) : undefined;
      if (!keys) throw tokenError('is of an issuer that is not accepted here');
      if (header.typ !== undefined && !TYPES.has(String(header.typ).toLowerCase()))
        throw tokenError('is of a kind that is not accepted here');
      return viewerOf(await payloadOf(token, name as string, keys), rules);
    },
    close() {
      for (const keys of issuers.values()) keys.close();
    },
  };
}

function viewerOf(claims: JWTPayload, rules: TokenRules): Viewer {
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
  return PREFIX + sha256(issuer).slice(0, ISSUER_DIGITS);
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
