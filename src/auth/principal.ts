import type { Caller, Peer } from '../log/append/record.ts';

/** What a key may do. `admin` may do everything. */
export const SCOPES = ['events:write', 'events:read', 'events:export', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** On whose right something is open: it ends with that. */
export interface Credential {
  /** The id of an API key, or one made of a token's issuer and subject. */
  keyId: string;
  /** Which secret of the key it was: the admin's may change. 0 for tokens. */
  generation: number;
  /** When the token expires, in milliseconds since 1970; undefined: it is a key, which is looked up. */
  expiresAt?: number | undefined;
}

/** Who asks: an API key, or a token of an issuer outside, with its rights. */
export interface Principal extends Credential {
  scopes: readonly Scope[];
  /** Bound to this customer's events; undefined: sees all. */
  customerId: string | undefined;
}

/** Whether the principal's key has the scope. */
export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes('admin') || principal.scopes.includes(scope);
}

/** Who asks, and from where. */
export interface RequestContext {
  principal: Principal;
  peer: Peer;
}

/** Who asks, as an event about the log itself names it. */
export function callerOf({ principal, peer }: RequestContext): Caller {
  return { ...peer, userId: principal.keyId };
}
