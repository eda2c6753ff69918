import { AuditError } from '../errors.ts';
import type { EventFilter } from '../events/filter.ts';
import type { Scope } from './scopes.ts';

/** On whose right something is open: it ends with that. */
export interface Holder {
  /** The id of an API key, or one made of a token's issuer and subject. */
  keyId: string;
  /** Which secret of the key it was: the admin's may change. 0 for tokens. */
  generation: number;
  /** When the token expires, in milliseconds since 1970; undefined: it is a key, which is looked up. */
  expiresAt?: number | undefined;
}

/** Who asks: an API key, or a token of an issuer outside, with its rights. */
export interface Viewer extends Holder {
  scopes: readonly Scope[];
  /** Bound to this customer's events; undefined: sees all. */
  customerId: string | undefined;
}

/** Whether the viewer's key has the scope. */
export function hasScope(viewer: Viewer, scope: Scope): boolean {
  return viewer.scopes.includes('admin') || viewer.scopes.includes(scope);
}

/** The one gate for reads: narrows a filter to what the viewer may see. Every read of events passes its answer on. */
export function visibleTo(viewer: Viewer, filter: EventFilter = {}): EventFilter[] {
  return viewer.customerId === undefined ? [filter] : [filter, { customerId: viewer.customerId }];
}

/**
 * The customer whose tree the viewer's evidence is of; undefined: the log's own, which only those may see who see all.
 * Throws FORBIDDEN for another customer than the one that the viewer is bound to.
 */
export function visibleTree(viewer: Viewer, customerId?: string | null): string | undefined {
  if (viewer.customerId === undefined) return customerId ?? undefined;
  if (customerId != null && customerId !== viewer.customerId)
    throw new AuditError('FORBIDDEN', 'the API key is bound to another customer', 'customerId');
  return viewer.customerId;
}

/**
 * The one gate for writes: whoever is bound to a customer writes for that customer alone. Fills in an absent customer,
 * before anything else looks at the event; throws FORBIDDEN at `path` for another one.
 */
export function boundTo<Input extends { customerId?: string | null | undefined }>(
  { customerId }: Viewer,
  input: Input,
  path: string,
): Input {
  if (customerId === undefined || input.customerId === customerId) return input;
  if (input.customerId == null) return { ...input, customerId };
  throw new AuditError('FORBIDDEN', 'is not the customer of this API key', `${path}.customerId`);
}
