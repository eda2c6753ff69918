import type { EventFilter } from '../events/filter.ts';
import type { Scope } from './scopes.ts';

/** Who asks: an API key with its rights. */
export interface Viewer {
  keyId: string;
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
