import type { Caller, Peer } from '../log/append/record.ts';

/** The scopes of keys and tokens. `admin` includes all others. */
export const SCOPES = ['events:write', 'events:read', 'events:export', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The key or token that a session was opened with. The session ends when it is revoked or expires. */
export interface Credential {
  /** The id of an API key, or an id derived from a token's issuer and subject. */
  keyId: string;
  /** The generation of the key's secret: the secret of the admin key can be replaced. 0 for tokens. */
  generation: number;
  /** When the token expires, in milliseconds since 1970. Undefined for API keys, whose expiry is in the database. */
  expiresAt?: number | undefined;
}

/** The caller of the API: an API key or a token of an external issuer, with its rights. */
export interface Principal extends Credential {
  scopes: readonly Scope[];
  /** The only customer whose events the principal may read and write. Undefined: all customers. */
  customerId: string | undefined;
}

/** Whether the principal has the scope. */
export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes('admin') || principal.scopes.includes(scope);
}

/** The principal of a request and the address that it came from. */
export interface RequestContext {
  principal: Principal;
  peer: Peer;
}

/** The principal as the actor of an event about the log itself. */
export function callerOf({ principal, peer }: RequestContext): Caller {
  return { ...peer, userId: principal.keyId };
}
