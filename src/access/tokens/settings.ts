import type { Logger } from 'pino';
import type { Scope } from '../scopes.ts';
import type { ClaimPath } from './claims.ts';
import type { Issuer } from './issuer.ts';
import type { TokensOptions } from './tokens.ts';

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
